import ArgumentParser

/// The server's options of how many requests a caller and an address may send.
struct RateLimitOptions: ParsableArguments {
    @Option(help: Setting.saleRequestsPerSecond.help) var saleRequestsPerSecond: Int?
    @Option(help: Setting.saleBurst.help) var saleBurst: Int?
    @Option(help: Setting.reportingRequestsPerSecond.help) var reportingRequestsPerSecond: Int?
    @Option(help: Setting.reportingBurst.help) var reportingBurst: Int?
    @Option(help: Setting.addressSaleRequestsPerSecond.help) var addressSaleRequestsPerSecond: Int?
    @Option(help: Setting.addressSaleBurst.help) var addressSaleBurst: Int?
    @Option(help: Setting.addressReportingRequestsPerSecond.help) var addressReportingRequestsPerSecond: Int?
    @Option(help: Setting.addressReportingBurst.help) var addressReportingBurst: Int?
    @Option(help: Setting.clientAddressHeader.help) var clientAddressHeader: String?
    @Option(help: Setting.trustedProxies.help) var trustedProxies: String?
}

extension Setting {
    static let rateLimits: [Setting] = [
        .saleRequestsPerSecond, .saleBurst, .reportingRequestsPerSecond, .reportingBurst,
        .addressSaleRequestsPerSecond, .addressSaleBurst, .addressReportingRequestsPerSecond, .addressReportingBurst,
        .clientAddressHeader, .trustedProxies,
    ]

    static let saleRequestsPerSecond = rate(
        "sale-requests-per-second",
        "Requests of a caller for reservations, orders and tickets, on end; a batch counts, and each of its lines."
    )
    static let saleBurst = burst("sale-burst")
    static let reportingRequestsPerSecond = rate(
        "reporting-requests-per-second",
        "Requests of a caller for anything else of a tenant, on end: reports, lists, the catalogue, feeds; a stream counts once."
    )
    static let reportingBurst = burst("reporting-burst")
    static let addressSaleRequestsPerSecond = rate(
        "address-sale-requests-per-second",
        "As sale-requests-per-second, for all callers of one client address (IPv6: of one /64) together."
    )
    static let addressSaleBurst = burst("address-sale-burst")
    static let addressReportingRequestsPerSecond = rate(
        "address-reporting-requests-per-second",
        "As reporting-requests-per-second, for all callers of one client address together."
    )
    static let addressReportingBurst = burst("address-reporting-burst")

    static let clientAddressHeader = Setting.text(
        "client-address-header",
        "field",
        """
        The header field to which each proxy adds the address that it has a request from, such as X-Forwarded-For; read from \
        connections of trusted-proxies only. Without it the connection's own address counts.
        """
    )
    static let trustedProxies = Setting.text(
        "trusted-proxies",
        "networks",
        """
        The addresses and networks of the proxies whose word on a client's address counts, 1 to \
        \(AddressForwarding.networksMax), with commas between them: 10.0.0.0/8,2001:db8::1.
        """
    )

    private static func rate(_ name: String, _ meaning: String) -> Setting {
        .number(name, 1...RateRule.requestsPerSecondMax, "requests/s", defaultIs: "no limit", meaning)
    }

    private static func burst(_ name: String) -> Setting {
        .number(
            name,
            1...RateRule.burstMax,
            "requests",
            defaultIs: "those of one second",
            "How many of those at once, after a pause."
        )
    }
}

extension RateLimitSettings {
    /// - Throws: `ConfigurationError` for settings that can't be used, or don't go together.
    init(_ options: RateLimitOptions, _ reader: inout SettingsReader) async throws {
        sale = try await RateRule(
            (.saleRequestsPerSecond, options.saleRequestsPerSecond),
            (.saleBurst, options.saleBurst),
            &reader
        )
        reporting = try await RateRule(
            (.reportingRequestsPerSecond, options.reportingRequestsPerSecond),
            (.reportingBurst, options.reportingBurst),
            &reader
        )
        addressSale = try await RateRule(
            (.addressSaleRequestsPerSecond, options.addressSaleRequestsPerSecond),
            (.addressSaleBurst, options.addressSaleBurst),
            &reader
        )
        addressReporting = try await RateRule(
            (.addressReportingRequestsPerSecond, options.addressReportingRequestsPerSecond),
            (.addressReportingBurst, options.addressReportingBurst),
            &reader
        )
        forwarding = try await AddressForwarding(options, &reader)
        guard forwarding == nil || addressSale != nil || addressReporting != nil else {
            throw ConfigurationError(
                "\(reader.place(of: .clientAddressHeader)) is set, but no address is limited: give "
                    + "--address-sale-requests-per-second or --address-reporting-requests-per-second, too"
            )
        }
    }
}

extension RateRule {
    /// Nil where there is no limit.
    fileprivate init?(
        _ rate: (setting: Setting, option: Int?),
        _ burst: (setting: Setting, option: Int?),
        _ reader: inout SettingsReader
    ) async throws {
        let requestsPerSecond = try await reader.number(rate.setting, rate.option)
        let atOnce = try await reader.number(burst.setting, burst.option)
        guard let requestsPerSecond else {
            guard atOnce == nil else {
                throw ConfigurationError(
                    "\(reader.place(of: burst.setting)) is set, but nothing is limited: give \(rate.setting.option), too"
                )
            }
            return nil
        }
        self.init(requestsPerSecond: requestsPerSecond, burst: atOnce ?? requestsPerSecond)
    }
}

extension AddressForwarding {
    /// Nil where neither the field nor the proxies are set.
    fileprivate init?(_ options: RateLimitOptions, _ reader: inout SettingsReader) async throws {
        let header = try await reader.text(.clientAddressHeader, options.clientAddressHeader)
        let proxies = try await reader.text(.trustedProxies, options.trustedProxies)
        switch (header, proxies) {
        case (nil, nil): return nil
        case (_?, nil):
            throw ConfigurationError(
                "\(reader.place(of: .clientAddressHeader)) is set, but nobody is believed: give --trusted-proxies, too"
            )
        case (nil, _?):
            throw ConfigurationError(
                "\(reader.place(of: .trustedProxies)) is set, but not where they say the address: give "
                    + "--client-address-header, too"
            )
        case (let header?, let proxies?):
            self.init(
                field: try Self.field(header, reader.place(of: .clientAddressHeader)),
                trusted: try Self.networks(proxies, reader.place(of: .trustedProxies))
            )
        }
    }

    /// - Parameter place: where the name was given, for a message about it.
    static func field(_ name: String, _ place: String) throws(ConfigurationError) -> String {
        let bytes = Array(name.utf8)
        guard (1...64).contains(bytes.count), bytes.withUnsafeBytes({ ASCIISet.token.containsAll(of: $0) }) else {
            throw ConfigurationError("\(place) is \(name.debugDescription), which is not the name of a header field")
        }
        guard name.lowercased() != "forwarded" else {
            throw ConfigurationError(
                "\(place) is \(name), which is not supported: let the proxy write X-Forwarded-For, or a field of its own"
            )
        }
        return name
    }

    /// - Parameter place: where the list was given, for a message about it.
    static func networks(_ list: String, _ place: String) throws(ConfigurationError) -> [AddressNetwork] {
        var networks: [AddressNetwork] = []
        for element in list.split(separator: ",", omittingEmptySubsequences: false) {
            let text = String(element.trimmingPrefix { $0 == " " })
            guard let network = AddressNetwork(text) else {
                throw ConfigurationError(
                    "\(place) has \(text.debugDescription), which is neither an address nor a network such as 10.0.0.0/8, "
                        + "whose address ends with zeros"
                )
            }
            networks.append(network)
        }
        guard networks.count <= networksMax else {
            throw ConfigurationError("\(place) has \(networks.count) entries; it may have 1 to \(networksMax)")
        }
        return networks
    }
}
