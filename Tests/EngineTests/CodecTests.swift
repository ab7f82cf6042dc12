import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// What the log holds, to bytes and back, and against bytes that nobody wrote.
@Suite struct CodecTests {
    private static let event = EventKey(rawValue: 0x0123_4567_89ab_cdef)

    private static func encode(_ decision: Decision, key: IdempotencyKey? = nil) -> [UInt8] {
        var buffer = RecordBuffer(capacity: 64)
        buffer.append(decision, event: event, at: 1_800_000_000_000, key: key)
        return buffer.withLastPayload { Array($0) }
    }

    /// One record a fact, one an answer, one with several facts.
    private static var payloads: [[UInt8]] {
        CodecSamples.facts.map { encode(Decision($0, answer: .rejected(.eventNotFound))) }
            + CodecSamples.answers.map { encode(Decision(nil, answer: $0), key: CodecSamples.key) }
            + [
                encode(
                    Decision(
                        .lineLocked(CodecSamples.reference, line: 0, tier: 1, CodecSamples.lock),
                        rest: [.holdConfirmed(CodecSamples.reference, OrderBox(CodecSamples.order))],
                        answer: .order(CodecSamples.fullHold, at: 1)
                    ),
                    key: CodecSamples.key
                )
            ]
    }

    // MARK: - There and back

    @Test func everyCaseHasASample() {
        #expect(Set(CodecSamples.facts.map(CodecSamples.FactKind.init)).count == CodecSamples.FactKind.allCases.count)
        #expect(
            Set(CodecSamples.answers.map(CodecSamples.AnswerKind.init)).count == CodecSamples.AnswerKind.allCases.count
        )
        #expect(
            Set(CodecSamples.rejections.map(CodecSamples.RejectionKind.init)).count
                == CodecSamples.RejectionKind.allCases.count
        )
    }

    @Test func everyFactComesBack() throws {
        for fact in CodecSamples.facts {
            let payload = Self.encode(Decision(fact, answer: .rejected(.eventNotFound)))
            let record = try EventRecord(bytes: payload)
            #expect(record.facts == [fact])
            #expect(record.event == Self.event)
            #expect(record.at == 1_800_000_000_000)
            #expect(record.key == nil)
            #expect(record.answer.isEmpty)
            #expect(Self.encode(Decision(record.facts[0], answer: .rejected(.eventNotFound))) == payload)
        }
    }

    @Test func everyAnswerComesBack() throws {
        for answer in CodecSamples.answers {
            let payload = Self.encode(Decision(nil, answer: answer), key: CodecSamples.key)
            let record = try EventRecord(bytes: payload)
            #expect(record.facts.isEmpty)
            #expect(record.key == CodecSamples.key)
            #expect(ModelSubject.decodeAnswer(record.answer) == answer)
            let again = Decision(nil, answer: ModelSubject.decodeAnswer(record.answer))
            #expect(Self.encode(again, key: CodecSamples.key) == payload)
        }
    }

    @Test func aRecordKeepsItsFactsInOrder() throws {
        let facts = CodecSamples.facts
        let decision = Decision(facts[0], rest: Array(facts[1...]), answer: CodecSamples.answers[3])
        let record = try EventRecord(bytes: Self.encode(decision, key: CodecSamples.key))
        #expect(record.facts == facts)
        #expect(ModelSubject.decodeAnswer(record.answer) == CodecSamples.answers[3])
    }

    // MARK: - Bytes nobody wrote

    /// Reads a record as recovery and a retry do. Whatever the bytes, it returns or throws; a trap ends the tests.
    private static func read(_ payload: UnsafeRawBufferPointer) -> EventRecord? {
        guard let record = try? EventRecord(payload) else { return nil }
        if record.key != nil {
            record.answer.withUnsafeBytes { bytes in
                var decoder = RecordDecoder(bytes)
                _ = try? Answer(from: &decoder)
            }
        }
        return record
    }

    @Test func aRecordCutAnywhereIsRefusedOrAnother() throws {
        for payload in Self.payloads {
            let whole = try EventRecord(bytes: payload)
            payload.withUnsafeBytes { bytes in
                for end in 0..<bytes.count {
                    let cut = Self.read(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
                    #expect(cut != whole)
                    // Facts say where they end, so nothing shorter than they are can pass.
                    if whole.key == nil { #expect(cut == nil) }
                }
            }
        }
    }

    @Test func aFlippedBitNeverTrapsAndNeverGoesUnseen() throws {
        for var payload in Self.payloads {
            let whole = try EventRecord(bytes: payload)
            payload.withUnsafeMutableBytes { bytes in
                for bit in 0..<bytes.count * 8 {
                    bytes[bit / 8] ^= 1 << (bit % 8)
                    #expect(Self.read(UnsafeRawBufferPointer(bytes)) != whole, "bit \(bit) says nothing")
                    bytes[bit / 8] ^= 1 << (bit % 8)
                }
            }
        }
    }

    /// Lengths and counts are where a decoder is hurt: every 4 bytes in turn are made as large as can be.
    @Test func hugeLengthsAreRefusedWithoutMemory() {
        for payload in Self.payloads {
            for offset in 0..<max(0, payload.count - 3) {
                var hostile = payload
                for byte in 0..<4 { hostile[offset + byte] = 0xff }
                _ = hostile.withUnsafeBytes { Self.read($0) }
            }
        }
    }

    @Test func randomBytesNeverTrap() {
        var random = SeededRandom(seed: 5)
        let payloads = Self.payloads
        for _ in 0..<20_000 {
            var bytes = random.chance(50) ? random.one(of: payloads) : []
            for _ in 0..<random.below(40) {
                if bytes.isEmpty || random.chance(30) {
                    bytes.append(UInt8(truncatingIfNeeded: random.next()))
                } else {
                    bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
                }
            }
            _ = bytes.withUnsafeBytes { Self.read($0) }
        }
    }

    @Test func bytesBehindTheRecordAreRefused() {
        for payload in Self.payloads.prefix(CodecSamples.facts.count) {
            #expect(throws: RecordDecoder.Malformed.self) { try EventRecord(bytes: payload + [0]) }
        }
    }
}
