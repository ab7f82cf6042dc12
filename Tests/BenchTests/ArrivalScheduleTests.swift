import Histogram
import Testing

@testable import Bench

@Suite struct ArrivalScheduleTests {
    private static let millisecond: UInt64 = 1_000_000
    private static let second: UInt64 = 1_000_000_000

    private func open(_ perSecond: Double, backlogMax: Int = 1_000_000, seconds: UInt64 = 10) -> ArrivalSchedule {
        ArrivalSchedule(
            pace: .open(perSecond: perSecond, backlogMax: backlogMax),
            startNanoseconds: Self.second,
            endNanoseconds: Self.second * (1 + seconds)
        )
    }

    @Test func arrivalsComeAtTheirRate() {
        var schedule = open(1000)
        #expect(schedule.take(nowNanoseconds: Self.second - 1) == nil)
        #expect(schedule.take(nowNanoseconds: Self.second) == Self.second)
        #expect(schedule.take(nowNanoseconds: Self.second) == nil)
        #expect(schedule.nextDueNanoseconds == Self.second + Self.millisecond)
        #expect(schedule.take(nowNanoseconds: Self.second + Self.millisecond - 1) == nil)
        #expect(schedule.take(nowNanoseconds: Self.second + Self.millisecond) == Self.second + Self.millisecond)
    }

    @Test(arguments: [1.0, 3, 7, 333, 99_999, 123_456.7])
    func nobodyIsLostOrCountedTwice(perSecond: Double) {
        var schedule = open(perSecond, seconds: 2)
        var taken = 0
        var previous: UInt64 = 0
        // A step that shares no factor with the intervals: arrivals fall on every side of it.
        for step in stride(from: Self.second, through: Self.second * 3 + 999_983, by: 999_983) {
            let now = min(step, Self.second * 3)
            while let intended = schedule.take(nowNanoseconds: now) {
                #expect(intended <= now && intended > previous)
                previous = intended
                taken += 1
            }
            #expect(schedule.waiting(nowNanoseconds: now) == 0)
        }
        #expect(taken == Int((perSecond * 2).rounded(.up)))
        #expect(schedule.nextDueNanoseconds == nil)
    }

    @Test func aBurstIsAllThereAtTheStart() {
        var schedule = ArrivalSchedule(pace: .burst(count: 3), startNanoseconds: 100, endNanoseconds: 1000)
        #expect(schedule.take(nowNanoseconds: 99) == nil)
        #expect(schedule.waiting(nowNanoseconds: 100) == 3 && schedule.nextDueNanoseconds == 100)
        for left in [2, 1, 0] as [UInt64] {
            #expect(!schedule.isExhausted)
            #expect(schedule.take(nowNanoseconds: 500) == 100)
            #expect(schedule.waiting(nowNanoseconds: 500) == left)
        }
        #expect(schedule.isExhausted && schedule.nextDueNanoseconds == nil)
        #expect(schedule.take(nowNanoseconds: 600) == nil && schedule.gaveUp == 0)
    }

    @Test func aClosedLoopIsAlwaysReadyUntilItsEnd() {
        var schedule = ArrivalSchedule(pace: .closed, startNanoseconds: 0, endNanoseconds: 100)
        #expect(schedule.take(nowNanoseconds: 99) == 99)
        #expect(schedule.take(nowNanoseconds: 99) == 99)
        schedule.stop(atNanoseconds: 50)
        #expect(schedule.take(nowNanoseconds: 50) == nil)
    }

    @Test func beyondTheBacklogTheOldestGiveUp() {
        var schedule = open(1000, backlogMax: 10)
        let now = Self.second + 99 * Self.millisecond
        #expect(schedule.take(nowNanoseconds: now) == Self.second + 90 * Self.millisecond)
        #expect(schedule.gaveUp == 90)
        #expect(schedule.waiting(nowNanoseconds: now) == 9)
    }

    /// A server that takes 0.1 ms a request and stops once for one second out of ten, in virtual time. Measured from
    /// the time of sending, one request in ten thousand was slow. Measured from the time buyers came, one in ten was.
    @Test func aStallIsFeltByAllWhoArriveDuringIt() {
        var schedule = open(1000)
        var fromIntended = Histogram<UInt64>(highestTrackableValue: 60 * Self.second)
        var fromSending = Histogram<UInt64>(highestTrackableValue: 60 * Self.second)
        var now = Self.second
        var hasStalled = false
        while true {
            guard let intended = schedule.take(nowNanoseconds: now) else {
                guard let next = schedule.nextDueNanoseconds else { break }
                now = next
                continue
            }
            let sent = now
            let stalls = !hasStalled && sent >= 5 * Self.second
            now += stalls ? Self.second : Self.millisecond / 10
            hasStalled = hasStalled || stalls
            fromIntended.record(now - intended)
            fromSending.record(now - sent)
        }
        #expect(fromIntended.totalCount == 10_000)
        #expect(fromSending.valueAtPercentile(99) < Self.millisecond)
        #expect(fromIntended.valueAtPercentile(50) < Self.millisecond)
        // The stall, and the backlog it left: about 1,110 of 10,000 buyers, the median of them waiting half a second.
        #expect(fromIntended.valueAtPercentile(94) > 400 * Self.millisecond)
        #expect(fromIntended.valueAtPercentile(99) > 850 * Self.millisecond)
    }
}
