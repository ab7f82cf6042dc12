import Testing
import WAL

@testable import Engine

extension CodecSamples {
    static var laterRejections: [Rejection] {
        let most = UInt32.max
        return [
            .customerReservationLimit(held: most, limit: 10_000), .restockOfCheckedIn(index: most, count: 1),
        ] + earlierRejections.map { .earlier($0) }
    }

    static var earlierRejections: [Rejection.Earlier] {
        let most = UInt32.max
        return [
            .eventHasSales(sold: most, reserved: 1), .sectionInactive(most), .soldOut(1, asked: 2, available: most),
            .tierInactive(most), .amountMismatch(given: .min, total: .max), .cancelledWithSales(sold: most),
            .overVenueMaximum(asked: 1 << 40, others: 100_000_000_000, maximum: most),
            .scheduleEnded(1, endedAt: .min),
        ]
    }
}

/// Refusals that earlier builds kept in fewer numbers.
@Suite struct EarlierRejectionTests {
    /// Each is written under the number that it had, and what is decided today under another.
    @Test func oldNumbersStayWhatTheyWere() {
        let kinds = CodecSamples.earlierRejections.map { Self.kind(.earlier($0)) }
        #expect(kinds == [9, 12, 14, 19, 31, 62, 68, 73])
        let today = CodecSamples.earlierRejections.map { Self.kind($0.today) }
        #expect(today == [88, 92, 86, 93, 87, 91, 89, 90])
        for refusal in CodecSamples.earlierRejections {
            if case .earlier = refusal.today { Issue.record("\(refusal) is decided in its earlier form") }
        }
    }

    private static func kind(_ rejection: Rejection) -> UInt8 {
        var buffer = RecordBuffer(capacity: 64)
        buffer.beginRecord()
        rejection.encode(into: &buffer)
        return buffer.withLastPayload { $0[0] }
    }
}
