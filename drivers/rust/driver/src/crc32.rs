//! The checksum by which two sides compare what they have seen: CRC-32 as zlib makes it.

const POLYNOMIAL: u32 = 0xEDB8_8320;
const LANES: usize = 16;

/// `TABLES[n][b]` is what byte `b` does to the sum when `n` bytes follow it: sixteen are taken at once.
static TABLES: [[u32; 256]; LANES] = tables();

const fn tables() -> [[u32; 256]; LANES] {
    let mut tables = [[0; 256]; LANES];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut lane = 1;
    while lane < LANES {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[lane - 1][byte];
            tables[lane][byte] = before >> 8 ^ tables[0][(before & 0xFF) as usize];
            byte += 1;
        }
        lane += 1;
    }
    tables
}

/// Goes on from an earlier checksum; 0 begins.
pub fn crc32(before: u32, data: &[u8]) -> u32 {
    let mut sum = !before;
    let mut chunks = data.chunks_exact(LANES);
    for chunk in &mut chunks {
        let head = sum.to_le_bytes();
        sum = chunk.iter().enumerate().fold(0, |sum, (index, &byte)| {
            let byte = if index < 4 { byte ^ head[index] } else { byte };
            sum ^ TABLES[LANES - 1 - index][usize::from(byte)]
        });
    }
    for &byte in chunks.remainder() {
        sum = sum >> 8 ^ TABLES[0][usize::from(sum as u8 ^ byte)];
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sums() {
        assert_eq!(crc32(0, b""), 0);
        assert_eq!(crc32(0, b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(0, &[0; 32]), 0x190A_55AD);
        assert_eq!(crc32(0, b"The quick brown fox jumps over the lazy dog"), 0x414F_A339);
    }

    #[test]
    fn a_sum_goes_on_wherever_the_data_is_cut() {
        let data: Vec<u8> = (0..=255).collect();
        for cut in 0..=data.len() {
            assert_eq!(crc32(crc32(0, &data[..cut]), &data[cut..]), crc32(0, &data));
        }
    }
}
