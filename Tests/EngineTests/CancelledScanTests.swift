import Testing

@testable import Engine
@testable import ReferenceModel

/// Scans of tickets whose event or date was cancelled: refused from then on, by the time of the scan.
@Suite struct CancelledScanTests {
    private static let hour: Milliseconds = 3_600_000

    private static let date = ScheduleDetails(
        id: "friday",
        startsAt: MachineFixture.start + 9 * hour,
        endsAt: MachineFixture.start + 12 * hour
    )

    @Test func aCancelledEventLetsInWhoWasScannedBefore() throws {
        var door = try ScanDoor()
        let before = door.now
        door.now += Self.hour
        let cancelledAt = door.now
        #expect(try door.scan(0, at: nil).result == .checkedIn)
        _ = door.send(.cancelEvent)
        #expect(try door.scan(1, at: cancelledAt).result == .eventCancelled)
        let refused = try door.scan(1, at: nil)
        #expect(refused.result == .eventCancelled && refused.since == cancelledAt && refused.ticket?.section == 0)
        door.now += Self.hour
        #expect(try door.scan(1, at: cancelledAt - 1).result == .checkedIn)
        // What else is asked of a scan is asked of one of before as well.
        #expect(try door.scan(2, at: before - Self.hour - 1).result == .clockBehind)
        #expect(try door.scan(2, at: before, gate: "cellar").result == .gateNotFound)
        // Who was let in stays in, and is told so again.
        #expect(try door.scan(1, at: cancelledAt - 1).result == .checkedIn)
        #expect(try door.scan(0, at: nil).result == .alreadyCheckedIn)
    }

    @Test func aCancelledDateLetsNobodyIn() throws {
        var (door, date) = (try ScanDoor(date: Self.date), Self.date)
        let before = door.now
        #expect(try door.scan(0, at: before).result == .checkedIn)
        door.now += Self.hour
        let cancelledAt = door.now
        date.isCancelled = true
        _ = door.send(.updateSchedule(date, expectedVersion: nil))
        door.now += Self.hour
        // Said once more, or moved: cancelled it stays since the first time.
        date.endsAt += 1
        _ = door.send(.updateSchedule(date, expectedVersion: nil))
        for at in [nil, cancelledAt, cancelledAt + 1] {
            let refused = try door.scan(1, at: at)
            #expect(refused.result == .scheduleCancelled && refused.since == cancelledAt && refused.checkIn == nil)
        }
        #expect(try door.scan(0, at: before).result == .checkedIn)
        #expect(try door.scan(0, at: nil).result == .alreadyCheckedIn)
        door.subject = ModelSubject(continuing: try door.subject.inventory.restoredFromSnapshot())
        #expect(try door.scan(1, at: cancelledAt).since == cancelledAt)
        #expect(try door.scan(1, at: cancelledAt - 1).result == .checkedIn)
        // A date that takes place after all lets in again.
        date.isCancelled = false
        _ = door.send(.updateSchedule(date, expectedVersion: nil))
        #expect(try door.scan(2, at: nil).result == .checkedIn)
    }

    /// Of a date that a snapshot of an earlier build says to be cancelled nobody knows since when.
    @Test func whereTheTimeIsUnknownEveryScanIsRefused() throws {
        var (door, date) = (try ScanDoor(date: Self.date), Self.date)
        let before = door.now
        door.now += Self.hour
        date.isCancelled = true
        _ = door.send(.updateSchedule(date, expectedVersion: nil))
        let live = door.subject.inventory
        let old = try live.restoredFromOldSnapshot()
        #expect(old.hasUndatedCancellation && !live.hasUndatedCancellation)
        #expect(old.digest(.withoutSales) == live.digest(.withoutSales))
        door.subject = ModelSubject(continuing: old)
        let refused = try door.scan(1, at: before)
        #expect(refused.result == .scheduleCancelled && refused.since == nil)
        #expect(old.checkInvariants() == [])
    }

    @Test func theEventsCancellationIsToldFirst() throws {
        var (door, date) = (try ScanDoor(date: Self.date), Self.date)
        date.isCancelled = true
        _ = door.send(.updateSchedule(date, expectedVersion: nil))
        door.now += Self.hour
        _ = door.send(.cancelEvent)
        #expect(try door.scan(1, at: nil).result == .eventCancelled)
        #expect(try door.scan(1, at: door.now - 1).result == .scheduleCancelled)
    }
}
