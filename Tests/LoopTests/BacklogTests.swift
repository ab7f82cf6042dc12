import Testing

@testable import Loop

@Suite struct BacklogTests {
    private let start: UInt64 = 1_000_000_000
    private let millisecond: UInt64 = 1_000_000

    @Test func aQuietLoopSendsNoMarks() {
        var backlog = Backlog()
        for turn in 0..<100 as Range<UInt64> {
            #expect(backlog.turnEnded(completions: 3, now: start + turn * millisecond) == false)
        }
        #expect(!backlog.isBehind)
    }

    @Test func oneMarkIsUnderWayAtATimeAndOneAMillisecond() {
        var backlog = Backlog()
        #expect(backlog.turnEnded(completions: 50, now: start) == true)
        #expect(backlog.turnEnded(completions: 50, now: start + 5 * millisecond) == false)
        backlog.markArrived(now: start + 5 * millisecond)
        #expect(backlog.turnEnded(completions: 50, now: start + 5 * millisecond) == true)
        backlog.markArrived(now: start + 5 * millisecond + 1)
        #expect(backlog.turnEnded(completions: 50, now: start + 5 * millisecond + 2) == false)
    }

    /// Late for so many milliseconds, by marks of 25 ms.
    private func late(_ milliseconds: UInt64) -> (Backlog, now: UInt64) {
        var backlog = Backlog()
        var now = start
        while now <= start + (milliseconds + 25) * millisecond {
            _ = backlog.turnEnded(completions: 50, now: now)
            now += 25 * millisecond
            backlog.markArrived(now: now)
        }
        return (backlog, now)
    }

    @Test func behindIsWhoseMarksStayLate() {
        #expect(!late(0).0.isBehind, "one late mark is a hiccup")
        #expect(!late(50).0.isBehind)
        #expect(late(125).0.isBehind)
    }

    @Test func aMarkThatDoesNotArriveIsLateToo() {
        var backlog = Backlog()
        _ = backlog.turnEnded(completions: 50, now: start)
        _ = backlog.turnEnded(completions: 50, now: start + 21 * millisecond)
        #expect(!backlog.isBehind)
        _ = backlog.turnEnded(completions: 50, now: start + 121 * millisecond)
        #expect(backlog.isBehind)
    }

    @Test func caughtUpIsBelowHalfOfLate() {
        var (backlog, now) = late(200)
        _ = backlog.turnEnded(completions: 50, now: now)
        backlog.markArrived(now: now + 15 * millisecond)
        #expect(backlog.isBehind)
        _ = backlog.turnEnded(completions: 50, now: now + 15 * millisecond)
        now += 24 * millisecond
        backlog.markArrived(now: now)
        #expect(!backlog.isBehind)
    }

    @Test func aTurnWithLittleToDoHasLeftNothingBehind() {
        var (backlog, now) = late(200)
        #expect(backlog.isBehind)
        now += millisecond
        _ = backlog.turnEnded(completions: 2, now: now)
        #expect(!backlog.isBehind)
    }
}
