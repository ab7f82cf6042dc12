import Glibc
import Logging
import Loop
import NIOCore

/// What a service manager such as systemd gives the process and wants to hear from it: a socket that listens already
/// (`LISTEN_FDS`), and messages about its state (`NOTIFY_SOCKET`). Without one all of this does nothing.
struct ServiceManager: Sendable {
    /// The first descriptor that is passed on (sd_listen_fds(3)).
    private static let firstDescriptor: Int32 = 3

    /// A socket that listens already; nil where there is none.
    let inheritedDescriptor: Int32?
    private let notifyAddress: String?
    /// Within which time it wants to hear that all is well; nil where it doesn't.
    private let watchdogMicroseconds: Int64?

    /// - Throws: `ConfigurationError` for more than one socket.
    init(_ variables: [String: String]) throws(ConfigurationError) {
        let own = "\(getpid())"
        if let count = variables["LISTEN_FDS"].flatMap({ Int($0) }), variables["LISTEN_PID"] == own, count > 0 {
            guard count == 1 else {
                throw ConfigurationError("LISTEN_FDS is \(count), but holdfast listens at one socket only")
            }
            inheritedDescriptor = Self.firstDescriptor
        } else {
            inheritedDescriptor = nil
        }
        notifyAddress = variables["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
        let isMeant = variables["WATCHDOG_PID"].map { $0 == own } ?? true
        watchdogMicroseconds = isMeant ? variables["WATCHDOG_USEC"].flatMap { Int64($0) } : nil
    }

    /// Sends a message (sd_notify(3)): lines such as `READY=1`. Who doesn't listen misses it.
    func notify(_ message: String) {
        guard let notifyAddress else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(notifyAddress.utf8)
        let isAbstract = path[0] == UInt8(ascii: "@")
        if isAbstract { path[0] = 0 }
        let length = withUnsafeMutableBytes(of: &address.sun_path) { place -> Int? in
            guard path.count < place.count else { return nil }
            place.copyBytes(from: path)
            return path.count + (isAbstract ? 0 : 1)
        }
        guard let length, let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(message.utf8)
        // Sound: a sockaddr_un is a sockaddr of this length, and sendto() keeps no pointer.
        _ = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(
                    descriptor,
                    bytes,
                    bytes.count,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT),
                    $0,
                    socklen_t(offset + length)
                )
            }
        }
    }

    /// Tells the manager that all is well for as long as every loop takes its turns; returns when the task is cancelled.
    func keepWatchdogQuiet(_ loops: [RingLoop]) async {
        guard let watchdogMicroseconds else { return }
        while !Task.isCancelled {
            for loop in loops {
                let hasTurned = loop.makePromise(of: Void.self)
                loop.execute { hasTurned.succeed() }
                try? await hasTurned.futureResult.get()
            }
            notify("WATCHDOG=1")
            try? await Task.sleep(for: .microseconds(max(100_000, watchdogMicroseconds / 3)))
        }
    }
}
