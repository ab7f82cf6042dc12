@testable import Engine
@testable import Server

/// The lines of a batch. Each one that isn't blank gets one line of answer, which is JSON; what the lines ask for is
/// decided and applied, and nothing of it may break the event or a start from its records.
///
/// A line `>` lets a minute pass.
enum BatchTarget {
    static func run(_ input: UnsafeRawBufferPointer) throws(Finding) {
        guard input.count <= 64 << 10 else { return }
        var sale = try SaleFixture()
        var lines = BatchLines(input)
        var writer = ResponseWriter()
        writer.beginLines()
        var count = 0
        while count < 64, let line = lines.next() {
            count += 1
            if line.first == UInt8(ascii: ">") { sale.wait(seconds: 60) }
            try answer(line, of: &sale, into: &writer)
        }
        writer.endLines()
        try checkAnswers(writer, count: count)
        try sale.check()
    }

    private static func answer(
        _ line: UnsafeRawBufferPointer,
        of sale: inout SaleFixture,
        into writer: inout ResponseWriter
    ) throws(Finding) {
        var sections = FixtureSections()
        var context = sale.context()
        var reply = ReplyContext(requestID: RequestID(random: context.random))
        let work: BatchWork
        do throws(Problem) {
            work = try Router().line(line, &context, &reply, &sections)
        } catch {
            _ = writer.write(error, reply)
            return
        }
        guard work.event == SaleFixture.event else {
            _ = writer.write(.answer(.rejected(.eventNotFound)), reply, of: nil as EventInventory?)
            return
        }
        switch work {
        case .command(_, .query): throw Finding("a line asked a question")
        case .command(_, .command(let command)):
            let answer = try sale.perform(command, context)
            writer.write(.answer(answer), reply, of: sale.inventory)
        case .change(let change):
            let found = Outcome.finding(.event(sale.inventory.eventView))
            switch change.next(after: found, of: sale.inventory) {
            case .answer(let outcome): writer.write(outcome, reply, of: sale.inventory)
            case .problem(let problem): _ = writer.write(problem, reply)
            case .submit(let submission):
                guard case .command(let command) = submission.work else { throw Finding("a change only asks") }
                let answer = try sale.perform(command, submission.context)
                writer.write(.answer(answer), submission.reply, of: sale.inventory)
            }
        }
    }

    private static func checkAnswers(_ writer: borrowing ResponseWriter, count: Int) throws(Finding) {
        var answers = 0
        let isJSON = writer.bytes.withBytes { bytes in
            var lines = BatchLines(bytes)
            while let line = lines.next() {
                answers += 1
                var reader = JSONReader(line)
                guard (try? reader.skipValue()) != nil, (try? reader.finish()) != nil else { return false }
            }
            return true
        }
        guard isJSON else { throw Finding("an answer that is no JSON") }
        guard answers == count else { throw Finding("\(count) lines and \(answers) answers") }
    }

    static var seeds: [[UInt8]] {
        let reservation = holdText(slot: 0, secret: 6, as: .reservation)
        let order = holdText(slot: 0, secret: 6, as: .order)
        let reserve = #"{"op":"reserve","capacity_id":"floor","quantity":2,"customer_id":"ada","idempotency_key":"k1"}"#
        let confirm = #"{"op":"confirm","reservation_id":"\#(reservation)","payment_reference":"p","amount":118.80}"#
        let lock = #"{"op":"price-lock","reservation_id":"\#(reservation)","idempotency_key":"k2"}"#
        let refund =
            #"{"restock":true,"op":"refund","order_id":"\#(order)","tickets":["\#(ticketText(0, secret: 6))"]}"#
        let several =
            #"{"op":"reservations","customer_id":"bob","items":[{"capacity_id":"floor","quantity":1},"#
            + #"{"capacity_id":"box","quantity":2}],"hold_seconds":60}"#
        let release = #"{"op":"release","reservation_id":"\#(reservation)"}"#
        return [
            [reserve, reserve, lock, confirm, refund, refund], [several, ">", ">", several, " ", "null", "{}"],
            [reserve, #"{"op":"extend","reservation_id":"\#(reservation)","seconds":60}"#, release, release],
            [reserve, ">", ">", ">", ">", ">", ">", ">", ">", ">", ">", ">", ">", ">", ">", ">", confirm, reserve],
        ].map { Array($0.joined(separator: "\n").utf8) }
    }

    private static func holdText(slot: UInt32, secret: UInt64, as prefix: PublicIdentifiers.HoldPrefix) -> String {
        let reference = HoldReference(slot: slot, generation: 0)
        let id = HoldID(event: SaleFixture.event, reference: reference, secret: secret)
        return text(PublicIdentifiers.holdCharacters) { PublicIdentifiers.write(id, as: prefix, into: $0) }
    }

    private static func ticketText(_ index: UInt32, secret: UInt64) -> String {
        let reference = HoldReference(slot: 0, generation: 0)
        let id = HoldID(event: SaleFixture.event, reference: reference, secret: secret)
        return text(40) { PublicIdentifiers.writeTicket(index, of: id, into: $0) }
    }

    private static func text(_ count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) -> String {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { write($0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
