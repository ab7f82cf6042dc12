import Testing

@testable import Server

/// Whose request it is, where proxies are in between.
@Suite struct ClientAddressTests {
    private func address(_ text: String) -> ClientAddress? {
        Array(text.utf8).withUnsafeBytes { ClientAddress(hop: $0) }
    }

    @Test func anAddressIsTheSameHoweverItIsWritten() throws {
        let four = try #require(address("192.0.2.1"))
        for text in ["192.0.2.1:443", "192.0.2.1:65535", "::ffff:192.0.2.1", "[::ffff:c000:201]:1"] {
            #expect(address(text) == four, "\(text)")
        }
        #expect(four.isIPv4)
        let six = try #require(address("2001:db8::1"))
        for text in ["2001:DB8:0:0:0:0:0:1", "[2001:db8::1]", "[2001:db8::1]:443"] {
            #expect(address(text) == six, "\(text)")
        }
        #expect(!six.isIPv4)
        #expect(address("::1")?.isIPv4 == false)
    }

    @Test(arguments: [
        "", "unknown", "_hidden", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1:", "192.0.2.1:x",
        "192.0.2.1:123456",
        "[192.0.2.1]", "[2001:db8::1", "2001:db8::1]", "[2001:db8::1]443", "[2001:db8::1]:", "fe80::1%eth0", "1",
        "192.0.2.1 ", "\"192.0.2.1\"", "192.0.2.1\0", "0x7f.1", "::1::", "[]", "[:]", ":", "a:b",
    ])
    func whatIsNoAddressIsNone(_ text: String) { #expect(address(text) == nil) }

    @Test func aNetworkHasTheAddressesThatBeginAsItDoes() throws {
        for (text, inside, outside) in [
            (
                "10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
                ["11.0.0.0", "9.255.255.255", "::10.0.0.1"]
            ),
            ("192.0.2.128/25", ["192.0.2.128", "192.0.2.255"], ["192.0.2.127", "192.0.3.128"]),
            ("127.0.0.1", ["127.0.0.1"], ["127.0.0.2", "::1"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["2001:db8::1"]),
            ("2001:db8::/32", ["2001:db8::", "2001:db8:ffff::1"], ["2001:db9::", "2001:db7:ffff::"]),
            ("2001:db8::/65", ["2001:db8::7fff:0:0:1"], ["2001:db8::8000:0:0:0"]),
            ("2001:db8::1/128", ["2001:db8::1"], ["2001:db8::2"]),
            ("::/0", ["::", "192.0.2.1", "2001:db8::1"], []),
        ] as [(String, [String], [String])] {
            let network = try #require(AddressNetwork(text))
            for one in inside { #expect(address(one).map(network.contains) == true, "\(one) in \(text)") }
            for one in outside { #expect(address(one).map(network.contains) == false, "\(one) in \(text)") }
        }
        for text in [
            "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "/8", "2001:db8::/129", "10.0.0.0/8/8", "a", "10.0.0.0/+8", "",
        ] {
            #expect(AddressNetwork(text) == nil, "\(text)")
        }
    }

    // MARK: - Through proxies

    private static let forwarding = AddressForwarding(
        field: "X-Forwarded-For",
        trusted: ["10.0.0.0/8", "2001:db8::/32"].map { AddressNetwork($0)! }
    )

    private func client(_ fields: [String], from peer: String = "10.0.0.1") throws -> ClientAddress {
        let head = (["GET / HTTP/1.1", "Host: a"] + fields + ["", ""]).joined(separator: "\r\n")
        let peer = try #require(address(peer))
        return Array(head.utf8).withUnsafeBytes { Self.forwarding.client(of: peer, $0) }
    }

    @Test func theLastAddressThatIsNoProxyIsTheClients() throws {
        for (fields, expected) in [
            (["X-Forwarded-For: 192.0.2.7"], "192.0.2.7"),
            (["x-FORWARDED-for:192.0.2.7 "], "192.0.2.7"),
            (["X-Forwarded-For: 192.0.2.7, 10.0.0.9, 2001:db8::5"], "192.0.2.7"),
            // What the client itself has written stands before it.
            (["X-Forwarded-For: 198.51.100.1, 192.0.2.7, 10.0.0.9"], "192.0.2.7"),
            (["X-Forwarded-For: 10.0.0.5, 192.0.2.7"], "192.0.2.7"),
            (["X-Forwarded-For: 198.51.100.1", "Accept: */*", "X-Forwarded-For: 192.0.2.7"], "192.0.2.7"),
            (["X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 10.0.0.9", "X-Forwarded-For:"], "192.0.2.7"),
            (["X-Forwarded-For: junk, 192.0.2.7:4711"], "192.0.2.7"),
            (["X-Forwarded-For: 192.0.2.7,, ,10.0.0.9,"], "192.0.2.7"),
            // Nobody but proxies: the first of them.
            (["X-Forwarded-For: 10.0.0.8, 10.0.0.9"], "10.0.0.8"),
            // Behind something that is no address nothing is believed.
            (["X-Forwarded-For: 192.0.2.7, junk, 10.0.0.9"], "10.0.0.9"),
            (["X-Forwarded-For: 192.0.2.7, unknown"], "10.0.0.1"),
            ([], "10.0.0.1"), (["X-Forwarded-Fo: 192.0.2.7", "X-Forwarded-For2: 192.0.2.8"], "10.0.0.1"),
        ] as [([String], String)] {
            #expect(try client(fields) == address(expected), "\(fields)")
        }
    }

    @Test func whoIsNoProxyIsNotBelieved() throws {
        #expect(try client(["X-Forwarded-For: 198.51.100.1"], from: "192.0.2.7") == address("192.0.2.7"))
        #expect(try client(["X-Forwarded-For: 10.0.0.1"], from: "::1") == address("::1"))
    }
}
