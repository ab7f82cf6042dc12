import Testing

@testable import Engine
@testable import ReferenceModel

/// Numbers that must stay what they are for ever: a log written today is routed by them tomorrow.
@Suite struct CodecHashTests {
    private func hash(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
        var hash = StableHash(seed: seed)
        bytes.withUnsafeBytes { hash.combine($0) }
        return hash.finish()
    }

    /// SipHash-1-3 under the keys (0, 0) and (0x0123456789abcdef, 0); the first four of the left column are also
    /// what CPython's `hash` of these bytes gives with PYTHONHASHSEED=0.
    @Test(
        arguments: [
            (Array("a".utf8), 0x4074_48d2_b89b_1813, 0xaf33_1263_f509_cdf6),
            (Array("abc".utf8), 0xc03b_c3a0_0426_30f2, 0x3903_256d_3b1b_953a),
            (Array("01234567".utf8), 0xda3d_cedf_84ea_6cc6, 0x8971_934f_9c13_8a55),
            (Array("holdfast holdfast holdfast".utf8), 0x955a_8e90_4e43_7485, 0xcda6_8410_f54a_053b),
            ([], 0xd1fb_a762_150c_532c, 0x108a_7dfc_e1f1_0be8),
            (Array(0...255), 0x31ae_646a_fba7_0308, 0x590f_2bc0_b756_7024),
            (Array(repeating: 0x78, count: 300), 0x2f58_9031_30dc_04e4, 0x7444_5094_a237_1eef),
        ] as [([UInt8], UInt64, UInt64)]
    )
    func knownAnswers(bytes: [UInt8], plain: UInt64, seeded: UInt64) {
        #expect(hash(bytes) == plain)
        #expect(hash(bytes, seed: 0x0123_4567_89ab_cdef) == seeded)
    }

    /// However the bytes are handed over, the hash is that of their sequence.
    @Test func piecesMakeTheSameWhole() {
        let bytes = [UInt8](0...255)
        var random = SeededRandom(seed: 3)
        for _ in 0..<500 {
            var pieces = StableHash()
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(random.below(20)))
                piece.withUnsafeBytes { pieces.combine($0) }
                rest = rest.dropFirst(piece.count)
            }
            #expect(pieces.finish() == 0x31ae_646a_fba7_0308)
        }
    }

    @Test func anIntegerIsItsBytesLittleEndian() {
        var integer = StableHash()
        integer.combine(UInt64(0x3736_3534_3332_3130))
        #expect(integer.finish() == hash(Array("01234567".utf8)))
    }

    /// Worked out by another program from the definition: SipHash-1-3 under "holdfast" of tenant, its length, event.
    @Test(
        arguments: [
            ("shop", "evt_1", 0xa503_cad1_4c75_68f5, [0, 1, 4, 41]),
            ("shop", "evt_2", 0x0121_4e27_fff7_7a3b, [0, 0, 0, 0]),
            ("sho", "pevt_1", 0x1910_fac3_909a_9c87, [0, 0, 0, 6]),
            ("", "", 0x549f_6e78_1bc6_9c00, [0, 0, 2, 21]),
            ("bühne", "gala", 0x28e8_f661_10e6_27f5, [0, 0, 1, 10]),
            (
                String(repeating: "t", count: 64), String(repeating: "e", count: 64), 0xeea4_2d7c_453a_acb7,
                [0, 1, 6, 59]
            ),
        ] as [(String, String, UInt64, [Int])]
    )
    func eventsKeepTheirNumberAndTheirShard(tenant: String, event: String, number: UInt64, shards: [Int]) {
        let key = EventKey(tenant: ShortText(tenant)!, event: ShortText(event)!)
        #expect(key.rawValue == number)
        #expect([1, 2, 7, 64].map { key.shard(of: $0) } == shards)
    }

    @Test func everyShardIsInRange() {
        for count in [1, 2, 3, 7, 64] {
            #expect(EventKey(rawValue: 0).shard(of: count) == 0)
            #expect(EventKey(rawValue: .max).shard(of: count) == count - 1)
        }
    }

    @Test func idempotencyKeysKeepTheirNumber() {
        func key(_ principal: ShortText, _ text: String) -> IdempotencyKey {
            Array(text.utf8).withUnsafeBytes {
                IdempotencyKey(tenant: "shop", principal: principal, key: $0, fingerprint: 9)
            }
        }
        let ada = IdempotencyKey(high: 0x2b81_e0ed_4a44_1b34, low: 0x8dcf_8cb2_56b2_5fb6, fingerprint: 9)
        #expect(key("ada", "key-1") == ada)
        // Where one part ends and the next begins is part of the number.
        let nobody = IdempotencyKey(high: 0x66ea_3132_56e5_5039, low: 0xf7ac_8666_e037_b5b4, fingerprint: 9)
        #expect(key("", "adakey-1") == nobody)
    }
}
