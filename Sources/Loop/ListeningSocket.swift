internal import CLiburing
import Glibc

/// A socket that waits for connections.
package final class ListeningSocket {
    let descriptor: Int32
    /// The port it listens on.
    package let port: Int
    /// Whether it was made here, and nobody else listens to it.
    let isOwn: Bool
    /// Gets the descriptor of each new connection, on the loop that listens.
    let accepted: (Int32) -> Void

    /// Binds and listens.
    /// - Parameters:
    ///   - port: 0 lets the system choose.
    ///   - isLoopbackOnly: refuses an address that others than this machine reach, whatever the host's name says.
    ///   - backlog: connections the system keeps waiting to be accepted.
    package init(
        host: String,
        port: Int,
        isLoopbackOnly: Bool = false,
        backlog: Int32,
        accepted: @escaping (Int32) -> Void
    ) throws(ListenError) {
        descriptor = try Self.bound(host: host, port: port, isLoopbackOnly: isLoopbackOnly)
        isOwn = true
        self.port = Self.port(of: descriptor)
        self.accepted = accepted
        // Closed by deinit.
        guard Glibc.listen(descriptor, backlog) == 0 else { throw ListenError(place: "\(host):\(port)", errno: errno) }
    }

    /// Takes a socket that somebody else has bound and listens to, such as a service manager. Closing it here leaves it
    /// open there.
    package init(inherited descriptor: Int32, accepted: @escaping (Int32) -> Void) throws(ListenError) {
        let place = "the inherited descriptor \(descriptor)"
        var isListening: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0 else {
            throw ListenError(place: place, errno: errno)
        }
        guard isListening != 0 else { throw ListenError(place: place, reason: "it is not a socket that listens") }
        let family = Self.address(of: descriptor).ss_family
        guard Int32(family) == AF_INET || Int32(family) == AF_INET6 else {
            throw ListenError(place: place, reason: "it is not a TCP socket")
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, size)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        self.descriptor = descriptor
        isOwn = false
        port = Self.port(of: descriptor)
        self.accepted = accepted
    }

    /// Tells whether one could listen there now.
    package static func check(host: String, port: Int, isLoopbackOnly: Bool = false) throws(ListenError) {
        close(try bound(host: host, port: port, isLoopbackOnly: isLoopbackOnly))
    }

    private static func bound(host: String, port: Int, isLoopbackOnly: Bool) throws(ListenError) -> Int32 {
        let place = "\(host):\(port)"
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(port), &hints, &found)
        guard result == 0, let address = found else {
            throw ListenError(place: place, reason: String(cString: gai_strerror(result)))
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(
            address.pointee.ai_family,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
            0
        )
        guard descriptor >= 0 else { throw ListenError(place: place, errno: errno) }
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size)
        // Connections have it from their listener.
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, size)
        guard bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 else {
            let error = ListenError(place: place, errno: errno)
            close(descriptor)
            throw error
        }
        // A name is what the machine's files say it is.
        guard !isLoopbackOnly || isLoopback(descriptor) else {
            close(descriptor)
            throw ListenError(
                place: place,
                reason: "without --token-keys it has to be a loopback address, which this isn't"
            )
        }
        return descriptor
    }

    deinit { close(descriptor) }

    /// From here on handshakes that have begun go on to their end, and new ones wait for whoever listens next. Where the
    /// kernel doesn't do that, a few of them are reset when the socket is closed.
    func beginNoConnections() { _ = holdfast_begin_no_connections(descriptor) }

    /// Accepts what the system has ready, up to a backlog's worth.
    func acceptWaiting() {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        for _ in 0..<Self.waitingMax {
            let connection = accept(descriptor, nil, nil)
            if connection < 0 {
                // One that has gone meanwhile says nothing of those behind it.
                if errno == EINTR || errno == ECONNABORTED { continue }
                return
            }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            accepted(connection)
        }
    }

    private static let waitingMax = 4_096

    private static func address(of descriptor: Int32) -> sockaddr_storage {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &size) }
        }
        return address
    }

    private static func port(of descriptor: Int32) -> Int {
        // The port has the same place in the addresses of both families.
        withUnsafeBytes(of: address(of: descriptor)) { Int(UInt16(bigEndian: $0.load(as: sockaddr_in.self).sin_port)) }
    }

    /// Whether nobody but this machine reaches the socket.
    package static func isLoopback(_ descriptor: Int32) -> Bool {
        withUnsafeBytes(of: address(of: descriptor)) { raw in
            switch Int32(raw.load(as: sockaddr_storage.self).ss_family) {
            case AF_INET: return UInt32(bigEndian: raw.load(as: sockaddr_in.self).sin_addr.s_addr) >> 24 == 127
            case AF_INET6:
                var address = raw.load(as: sockaddr_in6.self).sin6_addr
                var loopback = in6addr_loopback
                return memcmp(&address, &loopback, MemoryLayout<in6_addr>.size) == 0
            default: return false
            }
        }
    }
}

/// Why the server can't listen.
package struct ListenError: Error, CustomStringConvertible {
    package let place: String
    package let reason: String

    init(place: String, reason: String) {
        self.place = place
        self.reason = reason
    }

    init(place: String, errno: Int32) {
        let remedy =
            switch errno {
            case EADDRINUSE: ": another program listens there; stop it, or choose another --port"
            case EACCES: ": ports below 1024 need a privilege; choose another --port"
            case EADDRNOTAVAIL: ": the address is not one of this machine's; check --host"
            default: ""
            }
        self.init(place: place, reason: String(cString: strerror(errno)) + remedy)
    }

    package var description: String { "can't listen at \(place): \(reason)" }
}
