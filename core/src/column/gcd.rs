//! What all numbers of a column can be divided by.

/// The greatest common divisor, at least 1.
pub(super) fn of(numbers: &[u32]) -> u32 {
    let mut divisor = 0;
    for &number in numbers {
        if divisor == 0 || number % divisor != 0 {
            divisor = of_two(divisor.into(), number.into()).try_into().unwrap_or(1);
        }
        if divisor == 1 {
            break;
        }
    }
    divisor.max(1)
}

/// The greatest common divisor of long numbers, at least 1.
pub(super) fn of_long(numbers: impl Iterator<Item = u64>) -> u64 {
    let mut divisor = 0;
    for number in numbers {
        if divisor == 0 || number % divisor != 0 {
            divisor = of_two(divisor, number);
        }
        if divisor == 1 {
            break;
        }
    }
    divisor.max(1)
}

const fn of_two(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
