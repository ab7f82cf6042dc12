import ArgumentParser

/// The server's options of encryption.
struct TLSOptions: ParsableArguments {
    @Option(help: Setting.tlsCertificate.help) var tlsCertificate: String?
    @Option(help: Setting.tlsKey.help) var tlsKey: String?
    @Option(help: Setting.tlsMinimumVersion.help) var tlsMinimumVersion: String?
}

extension Setting {
    static let encryption: [Setting] = [.tlsCertificate, .tlsKey, .tlsMinimumVersion]

    static let tlsCertificate = Setting.text(
        "tls-certificate",
        "file",
        """
        A file with the server's certificate in PEM and its issuers' behind it: connections are then encrypted. Read again \
        when it changes, or on SIGHUP.
        """
    )
    static let tlsKey = Setting.text(
        "tls-key",
        "file",
        "A file with the certificate's private key in PEM, not encrypted."
    )
    static let tlsMinimumVersion = Setting.choice(
        "tls-minimum-version",
        TLSFiles.MinimumVersion.allCases.map(\.rawValue),
        default: TLSFiles.MinimumVersion.tls12.rawValue,
        "The oldest version of TLS that clients may speak."
    )
}

extension TLSFiles {
    /// Nil where connections are not to be encrypted.
    /// - Throws: `ConfigurationError` for settings that don't go together.
    init?(_ options: TLSOptions, _ reader: inout SettingsReader) async throws {
        let certificate = try await reader.text(.tlsCertificate, options.tlsCertificate)
        let key = try await reader.text(.tlsKey, options.tlsKey)
        // One of its setting's choices.
        let version = try await reader.text(.tlsMinimumVersion, options.tlsMinimumVersion)!
        switch (certificate, key) {
        case (let certificate?, let key?):
            self.init(certificate: certificate, key: key, minimumVersion: MinimumVersion(rawValue: version)!)
        case (nil, nil):
            guard !reader.isGiven(.tlsMinimumVersion) else {
                throw ConfigurationError(
                    "\(reader.place(of: .tlsMinimumVersion)) is set, but there is no certificate: give --tls-certificate and "
                        + "--tls-key, too"
                )
            }
            return nil
        case (_?, nil):
            throw ConfigurationError(
                "\(reader.place(of: .tlsCertificate)) is a certificate without its key: give --tls-key, too"
            )
        case (nil, _?):
            throw ConfigurationError(
                "\(reader.place(of: .tlsKey)) is a key without its certificate: give --tls-certificate, too"
            )
        }
    }
}
