import CChecksum
import Testing

@Suite struct ChecksumTests {
    private func both(_ bytes: [UInt8], seed: UInt32 = 0) -> (UInt32, UInt32) {
        bytes.withUnsafeBytes {
            (
                holdfast_crc32c(seed, $0.baseAddress, $0.count),
                holdfast_crc32c_portable(seed, $0.baseAddress, $0.count)
            )
        }
    }

    /// The check value of the CRC catalogue and the vectors of RFC 3720, appendix B.4.
    @Test func knownAnswers() {
        let vectors: [([UInt8], UInt32)] = [
            (Array("123456789".utf8), 0xE306_9283),
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0..<32), 0x46DD_794E),
            ((0..<32).reversed(), 0x113F_DB5C),
            ([], 0),
        ]
        for (bytes, expected) in vectors {
            let (fast, portable) = both(bytes)
            #expect(fast == expected)
            #expect(portable == expected)
        }
    }

    @Test func instructionAndTableAgree() {
        #if arch(x86_64)
            #expect(holdfast_crc32c_is_accelerated(), "every x86-64 server since 2009 has SSE4.2")
        #endif
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let count = Int.random(in: 0...300, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let seed = UInt32.random(in: 0...UInt32.max, using: &random)
            let skip = Int.random(in: 0...min(9, count), using: &random)
            // A start that is not aligned goes another way through the instruction's loop.
            bytes.withUnsafeBytes { whole in
                let part = UnsafeRawBufferPointer(rebasing: whole[skip...])
                let fast = holdfast_crc32c(seed, part.baseAddress, part.count)
                #expect(fast == holdfast_crc32c_portable(seed, part.baseAddress, part.count), "\(bytes), from \(skip)")
            }
        }
    }

    @Test func partsContinueEachOther() {
        let bytes = Array("the quick brown fox jumps over the lazy dog".utf8)
        let whole = both(bytes).0
        for cut in 0...bytes.count {
            let head = both(Array(bytes[..<cut])).0
            #expect(both(Array(bytes[cut...]), seed: head).0 == whole)
            #expect(both(Array(bytes[cut...]), seed: head).1 == whole)
        }
    }
}
