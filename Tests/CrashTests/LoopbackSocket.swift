import Glibc

/// No server listens there.
struct NoServer: Error, CustomStringConvertible {
    let code: Int32

    var description: String { "connect: \(String(cString: strerror(code)))" }
}

enum LoopbackSocket {
    /// A socket that is connected to a server of this machine; the caller closes it.
    static func connected(to port: UInt16) throws(NoServer) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        // Sound: a sockaddr_in is a sockaddr of this length, and connect() keeps no pointer.
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            let failure = NoServer(code: errno)
            close(descriptor)
            throw failure
        }
        return descriptor
    }
}
