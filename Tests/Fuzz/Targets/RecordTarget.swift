@testable import Engine
@testable import WAL

/// One payload, as a record of the log, of a snapshot, and as an answer. What can be read can be written again and reads
/// the same; nothing may trap.
enum RecordTarget {
    static func run(_ input: UnsafeRawBufferPointer) throws(Finding) {
        if let record = try? EventRecord(input) {
            for fact in record.facts { try checkAgain(fact) }
            _ = record.answer.withUnsafeBytes { KeptAnswer.reference($0) }
        }
        if let (_, _, record) = try? SnapshotRecord.decode(input), case .fact(let fact) = record {
            try checkAgain(fact)
        }
        var decoder = RecordDecoder(input)
        guard let answer = try? Answer(from: &decoder) else { return }
        guard
            let again = reread(
                answer.encode,
                { (decoder) throws(RecordDecoder.Malformed) in try Answer(from: &decoder) }
            )
        else { throw Finding("an answer can't be read again: \(answer)") }
        guard again == answer else { throw Finding("an answer reads as another: \(answer), \(again)") }
    }

    private static func checkAgain(_ fact: Fact) throws(Finding) {
        guard let again = reread(fact.encode, { (decoder) throws(RecordDecoder.Malformed) in try Fact(from: &decoder) })
        else { throw Finding("a fact can't be read again: \(fact)") }
        guard again == fact else { throw Finding("a fact reads as another: \(fact), \(again)") }
    }

    /// What is read of the bytes that `write` writes; nil when they can't be read, or not to their end.
    private static func reread<Value>(
        _ write: (inout RecordBuffer) -> Void,
        _ read: (inout RecordDecoder) throws(RecordDecoder.Malformed) -> Value
    ) -> Value? {
        var buffer = RecordBuffer(capacity: 1_024)
        buffer.beginRecord()
        write(&buffer)
        buffer.endRecord()
        return buffer.withLastPayload { payload in
            var decoder = RecordDecoder(payload)
            guard let value = try? read(&decoder), decoder.isAtEnd else { return nil }
            return value
        }
    }

    static var seeds: [[UInt8]] {
        guard let sale = try? SaleFixture.sale() else { return [] }
        return sale.records + snapshotRecords(of: sale.inventory, asOf: LogPosition(5))
    }
}
