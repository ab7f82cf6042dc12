import CLinux
import Glibc
import Synchronization
import WAL

/// Clients that listen to an event stream, on a thread of their own: they read everything, and count what they hear.
final class EventListeners: Sendable {
    struct Heard: Equatable, Sendable {
        /// Streams that there were to the end.
        var open = 0
        /// Clients that were told a change.
        var changed = 0
        var changes: UInt64 = 0
        var bytes: UInt64 = 0
    }

    private let state = Mutex(Heard())
    private let isStopped = Atomic(false)
    private let thread: Mutex<JoinableThread?>

    /// Connects, asks for the stream, and listens until `stop`.
    init(count: Int, endpoint: Endpoint, path: String) throws {
        OpenFileLimit.raise(to: 2 * count + OpenFileLimit.reserve)
        let request = Array("GET \(path) HTTP/1.1\r\n\(endpoint.fields)\r\n".utf8)
        var descriptors: [Int32] = []
        do {
            for _ in 0..<count {
                let descriptor = try Socket.connect(to: endpoint, nonBlocking: true)
                descriptors.append(descriptor)
                guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
                    throw SystemCallError("send")
                }
            }
        } catch {
            for descriptor in descriptors { close(descriptor) }
            throw error
        }
        thread = Mutex(nil)
        let opened = descriptors
        let running = try JoinableThread(name: "listeners") { [self] in listen(opened) }
        thread.withLock { $0 = running }
    }

    /// Closes the streams, and says what was heard.
    func stop() -> Heard {
        isStopped.store(true, ordering: .relaxed)
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
        return heard
    }

    var heard: Heard { state.withLock { $0 } }

    private func listen(_ descriptors: [Int32]) {
        var hasChanged = [Bool](repeating: false, count: descriptors.count)
        var isOpen = [Bool](repeating: true, count: descriptors.count)
        defer { for descriptor in descriptors { close(descriptor) } }
        guard let poll = try? ReadinessPoll(eventsMax: 512) else { return }
        for (token, descriptor) in descriptors.enumerated() {
            guard (try? poll.add(descriptor, token: token)) != nil else { return }
        }
        state.withLock { $0.open = descriptors.count }
        while !isStopped.load(ordering: .relaxed) {
            guard let count = try? poll.wait(timeoutNanoseconds: 20_000_000) else { return }
            for index in 0..<count {
                let token = poll.event(index).token
                guard isOpen[token] else { continue }
                let news = read(descriptors[token])
                isOpen[token] = !news.hasEnded
                state.withLock { heard in
                    if news.hasEnded { heard.open -= 1 }
                    if news.changes > 0, !hasChanged[token] { heard.changed += 1 }
                    heard.changes += news.changes
                    heard.bytes += news.bytes
                }
                hasChanged[token] = hasChanged[token] || news.changes > 0
            }
        }
    }

    private func read(_ descriptor: Int32) -> (changes: UInt64, bytes: UInt64, hasEnded: Bool) {
        withUnsafeTemporaryAllocation(byteCount: 64 * 1_024, alignment: 1) { buffer in
            var (changes, bytes) = (UInt64(0), UInt64(0))
            while true {
                let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
                guard count > 0 else { return (changes, bytes, count == 0 || errno != EAGAIN) }
                bytes += UInt64(count)
                changes += Self.changes(in: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }

    /// Lines that name a change. One that comes in two pieces is not counted.
    static func changes(in bytes: UnsafeRawBufferPointer) -> UInt64 {
        let name: StaticString = "\nevent: change\n"
        var (count, offset) = (UInt64(0), 0)
        while offset + name.utf8CodeUnitCount <= bytes.count,
            let line = memchr(bytes.baseAddress! + offset, Int32(UInt8(ascii: "\n")), bytes.count - offset)
        {
            offset = UnsafeRawPointer(line) - bytes.baseAddress!
            guard offset + name.utf8CodeUnitCount <= bytes.count else { break }
            if memcmp(line, name.utf8Start, name.utf8CodeUnitCount) == 0 { count += 1 }
            offset += 1
        }
        return count
    }
}
