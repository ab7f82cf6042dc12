import Histogram

/// What one kind of call did: its latencies and how its answers fell out.
struct CallStatistics {
    static let latencyNanosecondsMax: UInt64 = 600 * 1_000_000_000

    let name: String
    /// Latencies in nanoseconds, three significant digits: of what succeeded, and of everything else.
    private(set) var successes = Self.makeHistogram()
    private(set) var failures = Self.makeHistogram()
    private(set) var errors = ErrorCounts()
    /// Answers 429 and 503: come again later.
    private(set) var turnedAway: UInt64 = 0
    /// Those of them that did not say when, in Retry-After.
    private(set) var turnedAwayWithoutTime: UInt64 = 0
    /// On the monotonic clock; 0 before the first.
    var lastSuccessNanoseconds: UInt64 = 0

    init(name: String) {
        self.name = name
    }

    private static func makeHistogram() -> Histogram<UInt64> {
        Histogram(highestTrackableValue: latencyNanosecondsMax, numberOfSignificantValueDigits: .three)
    }

    var succeeded: UInt64 { successes.totalCount }

    /// Every call that ended, one way or the other.
    var ended: UInt64 { successes.totalCount + failures.totalCount }

    /// The latencies of all that ended. Puts them together anew each time.
    var latencies: Histogram<UInt64> {
        var all = successes
        all.add(failures)
        return all
    }

    @inline(__always)
    mutating func recordSuccess(latencyNanoseconds: UInt64) {
        successes.record(min(latencyNanoseconds, Self.latencyNanosecondsMax))
    }

    mutating func recordError(_ code: UnsafeRawBufferPointer, latencyNanoseconds: UInt64) {
        failures.record(min(latencyNanoseconds, Self.latencyNanosecondsMax))
        errors.add(code)
    }

    mutating func countTurnedAway(hasRetryAfter: Bool) {
        turnedAway += 1
        if !hasRetryAfter { turnedAwayWithoutTime += 1 }
    }

    mutating func recordError(_ code: ClientError, latencyNanoseconds: UInt64) {
        var name = code.rawValue
        name.withUTF8 { recordError(UnsafeRawBufferPointer($0), latencyNanoseconds: latencyNanoseconds) }
    }

    mutating func reset() {
        self = CallStatistics(name: name)
    }
}

/// Failures that the client saw and no server named.
enum ClientError: String {
    /// The connection broke before the answer was complete: whether the call took effect is unknown.
    case connectionLost = "CLIENT_CONNECTION_LOST"
    /// No answer by the end of the run: unknown likewise.
    case unanswered = "CLIENT_UNANSWERED"
    /// The answer was no HTTP response that the client understands.
    case notUnderstood = "CLIENT_NOT_UNDERSTOOD"
    /// A success without the id that the next call needs.
    case noIdentifier = "CLIENT_NO_IDENTIFIER"
    /// Open loop only: too many were waiting, and this one was never sent.
    case gaveUp = "CLIENT_BACKLOG_FULL"
}

/// Errors by their code. Servers have few codes: a short list, searched by bytes, allocates only for a code
/// never seen before. Codes beyond `codesMax` are counted together.
struct ErrorCounts {
    static let codesMax = 64
    static let others = "OTHER_CODES"

    private var codes: [[UInt8]] = []
    private var counts: [UInt64] = []

    mutating func add(_ code: UnsafeRawBufferPointer, count: UInt64 = 1) {
        if let index = codes.firstIndex(where: { $0.count == code.count && $0.elementsEqual(code) }) {
            counts[index] += count
        } else if codes.count < Self.codesMax {
            codes.append(Array(code))
            counts.append(count)
        } else if codes.count == Self.codesMax {
            codes.append(Array(Self.others.utf8))
            counts.append(count)
        } else {
            counts[Self.codesMax] += count
        }
    }

    var total: UInt64 { counts.reduce(0, +) }

    var byCode: [String: UInt64] {
        Dictionary(zip(codes.map { String(decoding: $0, as: UTF8.self) }, counts), uniquingKeysWith: +)
    }
}
