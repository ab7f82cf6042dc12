import Glibc

/// A failed system call, with the call's name.
struct SystemCallError: Error, CustomStringConvertible {
    let call: String
    let code: Int32

    init(_ call: String, code: Int32 = errno) {
        self.call = call
        self.code = code
    }

    var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// The few socket calls that the client makes. Descriptors are plain numbers here; who opens one closes it.
enum Socket {
    /// Connects and only then makes the socket non-blocking: connections are opened before the clock starts,
    /// or after one was lost, and a loopback connect answers at once.
    static func connect(to endpoint: Endpoint, nonBlocking: Bool) throws(SystemCallError) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemCallError("socket") }
        do throws(SystemCallError) {
            try connect(descriptor, to: endpoint)
            try disableNagle(descriptor)
            if nonBlocking, fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0 { throw SystemCallError("fcntl") }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Makes reads and writes on a blocking socket fail with EAGAIN after so many seconds.
    static func setTimeout(_ descriptor: Int32, seconds: Int) throws(SystemCallError) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            guard setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size)) == 0
            else { throw SystemCallError("setsockopt") }
        }
    }

    private static func connect(_ descriptor: Int32, to endpoint: Endpoint) throws(SystemCallError) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = endpoint.port.bigEndian
        address.sin_addr.s_addr = endpoint.addressBits
        let outcome = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard outcome == 0 else { throw SystemCallError("connect to \(endpoint.authority)") }
    }

    private static func disableNagle(_ descriptor: Int32) throws(SystemCallError) {
        var one: Int32 = 1
        guard setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size)) == 0
        else { throw SystemCallError("setsockopt") }
    }
}
