import Glibc
import WAL

/// What one loop has answered: how often, by route and status, and how long it took.
///
/// Plain numbers of one loop, without atomics and, once warm, without allocations; a scrape adds the loops up. A request's
/// time is from the turn in which its last byte was read to the end of the turn in which its answer, durable by then,
/// is handed to the socket; so the clock is read at most twice a turn, however many requests it has.
// Sound because everything mutable is touched on its loop only; a scrape asks there.
final class HTTPTraffic: @unchecked Sendable {
    /// Upper bounds of the latency's buckets, in nanoseconds.
    static let latencyBounds: [UInt64] = [
        250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000,
        10_000_000,
    ].map { $0 * 1_000 }

    private static let statuses = HTTPStatus.allCases

    let problems = ProblemCounts()
    /// The connections of the loop, for their gauges.
    weak var connections: LoopConnections?
    private(set) var connectionsAccepted: UInt64 = 0
    /// Closed because their peers read nothing of what waited for them.
    private(set) var connectionsStalled: UInt64 = 0
    /// Streams among those.
    private(set) var streamsDropped: UInt64 = 0

    // Nothing here calls back, so accesses can't overlap: no need to check each at run time.

    /// By route and status.
    @exclusivity(unchecked) private var answers: ContiguousArray<UInt64>
    /// By group.
    @exclusivity(unchecked) private var latencies: ContiguousArray<BucketCounts>
    /// What has been answered in this turn.
    @exclusivity(unchecked) private var answered: ContiguousArray<RequestMark> = []
    /// The clock as it was read first in this turn; 0 before.
    @exclusivity(unchecked) private var turnTime: UInt64 = 0

    /// By a status' number: its place among `statuses`, 0 for one that there isn't.
    private let statusPlaces: ContiguousArray<UInt8>
    /// By route.
    private let groups: ContiguousArray<LatencyGroup>

    init() {
        answers = ContiguousArray(repeating: 0, count: RouteNumber.count * Self.statuses.count)
        latencies = ContiguousArray(
            repeating: BucketCounts(bounds: Self.latencyBounds),
            count: LatencyGroup.allCases.count
        )
        var places = ContiguousArray<UInt8>(repeating: 0, count: 1_000)
        for (place, status) in Self.statuses.enumerated() { places[Int(status.rawValue)] = UInt8(place) }
        statusPlaces = places
        groups = ContiguousArray(RouteNumber.all.map(LatencyGroup.init))
    }

    // MARK: - Counting

    /// A request that has been read.
    func mark() -> RequestMark {
        if turnTime == 0 { turnTime = Self.now() }
        return RequestMark(arrival: turnTime)
    }

    /// - Parameter response: a whole one, or a stream's head.
    func count(_ mark: RequestMark, _ response: UnsafeRawBufferPointer) {
        answers[Int(mark.route.rawValue) * Self.statuses.count + statusPlace(response)] &+= 1
        answered.append(mark)
    }

    /// The turn's answers are with their sockets.
    func endTurn() {
        turnTime = 0
        guard !answered.isEmpty else { return }
        let now = Self.now()
        for mark in answered { latencies[groups[Int(mark.route.rawValue)].number].add(now &- mark.arrival) }
        answered.removeAll(keepingCapacity: true)
    }

    func countAccepted() { connectionsAccepted += 1 }

    func countStalled(isStream: Bool) {
        connectionsStalled += 1
        if isStream { streamsDropped += 1 }
    }

    /// `HTTP/1.1 200 …`
    private func statusPlace(_ response: UnsafeRawBufferPointer) -> Int {
        guard response.count > 12 else { return 0 }
        let zero = UInt8(ascii: "0")
        let (high, middle, low) = (response[9] &- zero, response[10] &- zero, response[11] &- zero)
        return Int(statusPlaces[(Int(high) * 100 + Int(middle) * 10 + Int(low)) % 1_000])
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    // MARK: - For a scrape

    /// What was answered, and how often; without what never was.
    func answerCounts() -> [AnswerCount] {
        answers.indices.compactMap { index in
            guard answers[index] > 0 else { return nil }
            let (route, place) = index.quotientAndRemainder(dividingBy: Self.statuses.count)
            let kind = AnswerCount.Kind(route: RouteNumber(rawValue: UInt16(route)), status: Self.statuses[place])
            return AnswerCount(kind: kind, count: answers[index])
        }
    }

    /// By group.
    func latencyCounts() -> [BucketCounts] { Array(latencies) }

    struct AnswerCount: Sendable {
        struct Kind: Hashable, Comparable, Sendable {
            let route: RouteNumber
            let status: HTTPStatus

            static func < (left: Kind, right: Kind) -> Bool {
                (left.route.rawValue, left.status.rawValue) < (right.route.rawValue, right.status.rawValue)
            }
        }

        let kind: Kind
        let count: UInt64
    }
}

/// A request that is not answered yet, as its loop's metrics see it.
struct RequestMark: Sendable {
    /// Nanoseconds of the clock that never steps back.
    let arrival: UInt64
    var route = RouteNumber.none
}

/// The marks of a connection's requests that are not answered, by sequence. Its memory grows to what the connection has
/// ever had in flight, a power of two, so the usual connection has room for one.
struct RequestMarks {
    private var ring: ContiguousArray<RequestMark> = []

    /// - Parameter inFlight: requests without an answer, this one, which is the newest, included.
    mutating func add(_ mark: RequestMark, _ sequence: UInt32, inFlight: UInt32) {
        if inFlight > UInt32(ring.count) { grow(sequence, inFlight) }
        ring[Int(sequence) & (ring.count - 1)] = mark
    }

    /// - Precondition: the request was added, and is not answered.
    subscript(sequence: UInt32) -> RequestMark {
        get { ring[Int(sequence) & (ring.count - 1)] }
        _modify { yield &ring[Int(sequence) & (ring.count - 1)] }
    }

    private mutating func grow(_ sequence: UInt32, _ inFlight: UInt32) {
        let empty = RequestMark(arrival: 0)
        guard !ring.isEmpty else { return ring.append(empty) }
        var larger = ContiguousArray(repeating: empty, count: ring.count * 2)
        for earlier in 1..<inFlight {
            let sequence = sequence &- earlier
            larger[Int(sequence) & (larger.count - 1)] = self[sequence]
        }
        ring = larger
    }
}
