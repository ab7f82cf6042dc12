import Foundation
import Glibc
import Synchronization

/// A socket that sends any bytes at all and waits for nothing.
final class HostileClient: @unchecked Sendable {
    // Sound because each is used by one thread at a time; only the sampling of memory runs beside.
    private let descriptor: Int32
    private(set) var received: [UInt8] = []
    private(set) var isEnded = false

    init(port: UInt16) throws { descriptor = try LoopbackSocket.connected(to: port) }

    deinit { close(descriptor) }

    /// Lets the kernel take in as little as possible.
    func readNothing() {
        var bytes: Int32 = 4096
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Sends what the kernel takes at once.
    /// - Returns: how many bytes that were; -1 when the server has closed.
    @discardableResult
    func send(_ bytes: some Sequence<UInt8>) -> Int {
        let bytes = Array(bytes)
        let count = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        return count < 0 && errno == EAGAIN ? 0 : count
    }

    @discardableResult
    func send(_ text: String) -> Int { send(text.utf8) }

    /// Sends all of it, waiting for the server to read; false when it closes meanwhile, or reads nothing for 5 s.
    func sendAll(_ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = send(bytes[done..<min(done + 65_536, bytes.count)])
            if count < 0 { return false }
            if count == 0, !wait(for: POLLOUT, milliseconds: 5_000) { return false }
            done += count
        }
        return true
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Reads until the server closes, `count` responses have begun, or nothing has come for so long.
    func receive(responses count: Int = .max, milliseconds: Int32 = 5_000) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isEnded, statuses.count < count, wait(for: POLLIN, milliseconds: milliseconds) {
            let got = recv(descriptor, &buffer, buffer.count, 0)
            if got > 0 { received += buffer[..<got] } else { isEnded = true }
        }
    }

    private func wait(for events: Int32, milliseconds: Int32) -> Bool {
        var poller = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return poll(&poller, 1, milliseconds) > 0
    }

    /// Of all responses so far.
    var statuses: [Int] {
        text.components(separatedBy: "HTTP/1.1 ").dropFirst().compactMap { Int($0.prefix(3)) }
    }

    var text: String { String(decoding: received, as: UTF8.self) }
}

/// What a process keeps in memory, at its highest while this is watching.
final class MemoryWatch: Sendable {
    private let peak: Atomic<Int>
    private let isStopped = Atomic(false)
    let before: Int

    init(_ process: pid_t) {
        before = Self.residentBytes(process)
        peak = Atomic(before)
        Thread { [self] in
            while !isStopped.load(ordering: .relaxed) {
                let now = Self.residentBytes(process)
                peak.max(now, ordering: .relaxed)
                usleep(10_000)
            }
        }.start()
    }

    /// How many bytes more than before it had.
    func finish() -> Int {
        isStopped.store(true, ordering: .relaxed)
        return peak.load(ordering: .relaxed) - before
    }

    private static func residentBytes(_ process: pid_t) -> Int {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/statm", encoding: .utf8) else { return 0 }
        return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4096
    }
}

/// As many descriptors as the tests need.
func raiseOpenFileLimit(to wanted: Int) {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < rlim_t(wanted) else { return }
    limit.rlim_cur = min(limit.rlim_max, rlim_t(wanted))
    setrlimit(resource, &limit)
}
