import Engine
import NIOCore

/// A submission on its way to the loop that owns its event, with what is needed to render the answer there.
struct Envelope: Sendable {
    enum Step: Sendable {
        /// The outcome is the answer.
        case answer
        /// The outcome is what a change has to know first.
        case read(ReadThenWrite)
        /// The outcome is the answer, unless the event was changed in between: then once more from the start.
        case write(ReadThenWrite)
    }

    var submission: RoutedSubmission
    var step: Step
    var asker: Asker
    var isRetried = false
}

/// Who waits for an answer.
enum Asker: Sendable {
    /// A connection of this loop, and the number of its request.
    case connection(Connection, sequence: UInt32)
    /// Another loop, and the number of its pending request.
    case loop(Int, pending: UInt32)
}

/// What one loop sends another.
enum LoopMessage: Sendable {
    case work(Envelope)
    /// A whole response, durable.
    case reply(pending: UInt32, ByteBuffer)
    /// Lines of a batch, and the same part with their answers on its way back; they may still have to become durable.
    case lines(BatchPart)
    case answeredLines(BatchPart)
    case availability(AvailabilityMessage)
}

/// A request that waits for its answer.
struct PendingRequest {
    let connection: Connection
    let sequence: UInt32
}

/// The requests of one loop that wait for their answers, by number.
struct PendingRequests {
    private var requests: ContiguousArray<PendingRequest?> = []
    private var free: ContiguousArray<UInt32> = []

    var count: Int { requests.count - free.count }

    mutating func add(_ request: PendingRequest) -> UInt32 {
        if let number = free.popLast() {
            requests[Int(number)] = request
            return number
        }
        requests.append(request)
        return UInt32(requests.count - 1)
    }

    mutating func remove(_ number: UInt32) -> PendingRequest {
        defer {
            requests[Int(number)] = nil
            free.append(number)
        }
        return requests[Int(number)]!
    }
}
