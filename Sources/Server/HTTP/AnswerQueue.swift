/// Brings answers, which come in any order, into the order of their requests.
///
/// Pure: bytes go in with their sequence, and come out of `ready` in order. The answer that is due is copied once;
/// only one that overtook another is kept aside.
struct AnswerQueue: ~Copyable {
    private struct Early {
        let sequence: UInt32
        let bytes: [UInt8]
    }

    /// Answers in order, to be sent.
    var ready = ByteWriter(capacity: 64)
    /// The sequence of the next request.
    private(set) var next: UInt32 = 0
    /// The sequence whose answer is due.
    private var due: UInt32 = 0
    /// The last request that is answered, once the connection is to be closed.
    private var last: UInt32?
    private var early: [Early] = []
    /// What answers say of limits, in the order of their requests; those before `standingsHead` have said it.
    private var standings: ContiguousArray<(sequence: UInt32, standing: RateStanding)> = []
    private var standingsHead = 0
    /// So many that have been told are let go of together.
    private static let standingsToldMax = 64
    private(set) var earlyBytes = 0

    /// Requests without an answer in `ready`.
    var inFlight: UInt32 {
        guard let last else { return next &- due }
        return last &+ 1 &- due
    }

    /// Requests whose turn to be answered has not come, those that will not be included.
    var unanswered: UInt32 { next &- due }

    /// Whether nothing will be answered any more.
    var isFinished: Bool { last != nil && inFlight == 0 }

    /// Numbers a request.
    mutating func begin() -> UInt32 {
        defer { next &+= 1 }
        return next
    }

    /// From here on answers after that of `sequence` are dropped, and that one says `Connection: close`.
    mutating func finish(after sequence: UInt32) {
        if isFinished { return }
        if let last, last &- due <= sequence &- due { return }
        last = sequence
        early.removeAll { $0.sequence &- due > sequence &- due }
    }

    /// Finishes after what is in flight. With nothing in flight no answer says so.
    mutating func finish() {
        if last == nil { last = next &- 1 }
    }

    /// The request's answer is to say this of the limits that it counts for.
    /// - Precondition: the request is the one that was begun last, and not answered yet.
    mutating func note(_ standing: RateStanding, for sequence: UInt32) {
        standings.append((sequence, standing))
    }

    /// - Precondition: the request was begun, and not answered before.
    mutating func answer(_ sequence: UInt32, _ bytes: UnsafeRawBufferPointer) {
        let isDropped = last.map { sequence &- due > $0 &- due } ?? false
        if isDropped || isFinished { return }
        precondition(sequence &- due < next &- due, "a request is answered twice, or was never begun")
        guard sequence == due else {
            assert(!early.contains { $0.sequence == sequence }, "a request is answered twice")
            early.append(Early(sequence: sequence, bytes: Array(bytes)))
            earlyBytes += bytes.count
            return
        }
        appendDue(bytes)
        appendEarly()
    }

    /// The same for a response that is all there is in `bytes`, without copying it where nothing else is ready:
    /// `bytes` may come back with other memory.
    mutating func answer(_ sequence: UInt32, taking bytes: inout ByteWriter) {
        guard sequence == due, due != last, !isFinished, ready.isEmpty, standings.isEmpty else {
            return bytes.withBytes { answer(sequence, $0) }
        }
        swap(&ready, &bytes)
        due &+= 1
        appendEarly()
    }

    private mutating func appendEarly() {
        while let index = early.firstIndex(where: { $0.sequence == due }) {
            let answer = early.remove(at: index)
            earlyBytes -= answer.bytes.count
            answer.bytes.withUnsafeBytes { appendDue($0) }
        }
    }

    private mutating func appendDue(_ bytes: UnsafeRawBufferPointer) {
        if due == last || !standings.isEmpty { appendWithFields(bytes) } else { ready.append(bytes) }
        due &+= 1
    }

    /// Puts behind the status line what only the connection knows: `Connection: close`, and what is left of limits.
    private mutating func appendWithFields(_ bytes: UnsafeRawBufferPointer) {
        let lineEnd = (bytes.firstIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        ready.append(UnsafeRawBufferPointer(rebasing: bytes[..<lineEnd]))
        if due == last { ready.append("Connection: close\r\n") }
        if let standing = takeStanding() { ready.append(standing) }
        ready.append(UnsafeRawBufferPointer(rebasing: bytes[lineEnd...]))
    }

    private mutating func takeStanding() -> RateStanding? {
        guard standingsHead < standings.count, standings[standingsHead].sequence == due else { return nil }
        defer {
            standingsHead += 1
            // Also where the next one always comes before the last is told.
            if standingsHead == standings.count || standingsHead >= Self.standingsToldMax {
                standings.removeFirst(standingsHead)
                standingsHead = 0
            }
        }
        return standings[standingsHead].standing
    }
}
