import Glibc

extension SocketStream {
    package func peerAddress() -> (high: UInt64, low: UInt64)? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &size) }
        }
        guard status == 0 else { return nil }
        return withUnsafeBytes(of: &storage) { raw in
            switch Int32(raw.loadUnaligned(as: sockaddr.self).sa_family) {
            case AF_INET:
                let address = raw.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr
                return (0, 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: address)))
            case AF_INET6:
                let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)!
                let high = raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                let low = raw.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
                return (UInt64(bigEndian: high), UInt64(bigEndian: low))
            default: return nil
            }
        }
    }
}
