//! What all numbers of a column can be divided by.

/// The greatest common divisor, at least 1.
pub(super) fn of(numbers: &[u32]) -> u32 {
    let mut divisor = 0;
    for &number in numbers {
        if divisor == 0 || number % divisor != 0 {
            divisor = of_two(divisor, number);
        }
        if divisor == 1 {
            break;
        }
    }
    divisor.max(1)
}

const fn of_two(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
