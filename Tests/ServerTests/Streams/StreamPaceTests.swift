import NIOCore
import Testing

@testable import Server

@Suite struct StreamPaceTests {
    @Test func listenersAreToldAtAPaceHoweverManyThereAre() {
        var pace = StreamPace()
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        #expect(pace.look(at: now) == Int(StreamPace.burst))
        var told = 0
        for _ in 0..<1_000 {
            let may = pace.look(at: now)
            told += may
            pace.spend(may)
            now = now + .milliseconds(2)
        }
        let expected = Int(2 * StreamPace.listenersPerSecond)
        #expect((expected...(expected + Int(StreamPace.burst))).contains(told))
    }

    @Test func restingSavesNothingBeyondOneBurst() {
        var pace = StreamPace()
        let now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        pace.spend(pace.look(at: now))
        #expect(pace.look(at: now) == 0)
        #expect(pace.look(at: now + .milliseconds(4)) == 10)
        #expect(pace.look(at: now + .hours(5)) == Int(StreamPace.burst))
    }
}
