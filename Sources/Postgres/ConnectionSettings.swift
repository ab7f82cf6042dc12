import CPostgres

/// One of several hosts that a URL names.
struct PostgresHost: CustomStringConvertible {
    fileprivate let name: String?
    fileprivate let address: String?
    fileprivate let port: String?

    /// What stands behind the URL's own lists, and so in their place.
    var parameters: [(String, String)] {
        [("host", name), ("hostaddr", address), ("port", port)].compactMap { key, value in value.map { (key, $0) } }
    }

    var description: String { [name ?? address, port].compactMap(\.self).joined(separator: ":") }
}

/// What libpq makes of a URL, the environment, and a service file: as much of it as we have to do ourselves.
struct ConnectionSettings {
    /// For one host; `connect_timeout`, which libpq leaves to those who don't let it block.
    private(set) var timeoutSeconds = 10
    /// More than one, or empty: then it is libpq's business.
    private(set) var hosts: [PostgresHost] = []

    init(of handle: OpaquePointer) {
        guard let options = PQconninfo(handle) else { return }
        defer { PQconninfoFree(options) }
        var texts: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { texts[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        // As libpq does: 1 is too little.
        if let seconds = Int(texts["connect_timeout"] ?? ""), seconds > 0 { timeoutSeconds = min(max(2, seconds), 600) }
        hosts = Self.hosts(names: texts["host"], addresses: texts["hostaddr"], ports: texts["port"])
    }

    /// - Returns: empty for a single host, and for lists with gaps, which only libpq knows how to fill.
    static func hosts(names: String?, addresses: String?, ports: String?) -> [PostgresHost] {
        func list(_ text: String?) -> [String] {
            text.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
        }
        let (names, addresses, ports) = (list(names), list(addresses), list(ports))
        let count = max(names.count, addresses.count)
        guard count > 1, [names, addresses].allSatisfy({ $0.isEmpty || $0.count == count }),
            ports.count <= 1 || ports.count == count, !(names + addresses + ports).contains("")
        else { return [] }
        return (0..<count).map { index in
            PostgresHost(
                name: names.isEmpty ? nil : names[index],
                address: addresses.isEmpty ? nil : addresses[index],
                port: ports.isEmpty ? nil : ports[ports.count == 1 ? 0 : index]
            )
        }
    }
}
