import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// Who asked, in the records.
@Suite struct ActorTests {
    private static let event = EventKey(rawValue: 7)

    private static func encode(_ decision: Decision, by actor: ShortText) -> [UInt8] {
        var buffer = RecordBuffer(capacity: 64)
        let told = decision.actorToTell(actor)
        buffer.append(decision, event: event, at: 1_800_000_000_000, key: nil, actor: told)
        return buffer.withLastPayload { Array($0) }
    }

    private static func placed(by customer: ShortText) -> Decision {
        var hold = CodecSamples.fullHold
        hold.status = .held
        hold.order = nil
        hold.customer = customer
        return Decision(.holdPlaced(hold), answer: .reservation(hold, at: 1))
    }

    private static let released = Decision(
        .holdReleased(CodecSamples.reference, at: 5),
        answer: .rejected(.eventNotFound)
    )

    @Test(arguments: ["" as ShortText, "ada", ShortText(String(repeating: "x", count: 64))!])
    func everyRecordSaysWhoAsked(actor: ShortText) throws {
        for decision in [Self.placed(by: "ada"), Self.placed(by: .empty), Self.released] {
            let record = try EventRecord(bytes: Self.encode(decision, by: actor))
            #expect(record.whoAsked == actor)
            #expect(record.facts == decision.facts)
        }
    }

    @Test func aPlainSaleDoesNotGrow() throws {
        let own = Self.encode(Self.placed(by: "ada"), by: "ada")
        #expect(try EventRecord(bytes: own).actor == nil)
        #expect(own[16] == 0, "no flag")
        #expect(Self.encode(Self.placed(by: "ada"), by: .empty).count == own.count + 1)
        #expect(Self.encode(Self.placed(by: "ada"), by: "clerk").count == own.count + 6)
        // The clock, and whoever acts for the whole tenant.
        let nobody = Self.encode(Self.released, by: .empty)
        #expect(nobody[16] == 0)
        #expect(Self.encode(Self.released, by: "ada").count == nobody.count + 4)
    }

    @Test func aRefusalTellsNobody() throws {
        let refused = Decision(nil, answer: .rejected(.eventNotFound))
        #expect(refused.actorToTell("ada") == nil)
    }

    /// With every combination of the flags that there is, and none that there isn't.
    @Test func flags() throws {
        var record = Self.encode(Self.released, by: "ada")
        #expect(record[16] == 8)
        for flags in 0...255 as ClosedRange<UInt8> where flags != 8 {
            record[16] = flags
            #expect(throws: RecordDecoder.Malformed.self) { try EventRecord(bytes: record) }
        }
        let withKey = { (actor: ShortText?) in
            var buffer = RecordBuffer(capacity: 64)
            let decision = Self.released
            buffer.append(decision, event: Self.event, at: 5, key: CodecSamples.key, actor: actor)
            return buffer.withLastPayload { Array($0) }
        }
        #expect(withKey(nil)[16] == 1 && withKey("ada")[16] == 9)
        let read = try EventRecord(bytes: withKey("ada"))
        let without = try EventRecord(bytes: withKey(nil))
        #expect(read.key == CodecSamples.key && read.actor == "ada" && read.answer == without.answer)
    }

    /// A start goes by the facts, whoever asked.
    @Test func theActorChangesNothing() throws {
        var run = try ModelRun(seed: 3, number: 1)
        for _ in 0..<200 { try run.step() }
        var plain = Recovery()
        var told = Recovery()
        for (index, record) in run.subject.records.enumerated() {
            let position = LogPosition(UInt64(index + 1))
            try record.withUnsafeBytes { try plain.apply($0, at: position) }
            let with = record[16] & 8 == 0 ? Self.tell("clerk", in: record) : record
            try with.withUnsafeBytes { try told.apply($0, at: position) }
        }
        #expect(plain.digest == told.digest && plain.events.count == 1)
    }

    private static func tell(_ actor: String, in record: [UInt8]) -> [UInt8] {
        var record = record
        record[16] |= 8
        record.insert(contentsOf: [UInt8(actor.utf8.count)] + actor.utf8, at: 19)
        return record
    }
}
