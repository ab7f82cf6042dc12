import Glibc
import NIOSSL

/// Where a server's certificate and key are, and how old a client may be.
struct TLSFiles: Equatable, Sendable {
    enum MinimumVersion: String, CaseIterable, Sendable {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    /// The server's certificate in PEM, and behind it those of its issuers, if any.
    var certificate: String
    /// The certificate's private key in PEM, not encrypted.
    var key: String
    var minimumVersion = MinimumVersion.tls12
}

/// A certificate with its key, fit for use, as read from files.
struct TLSCertificate: Sendable {
    static let fileBytesMax = 1 << 20
    static let chainMax = 16

    let context: NIOSSLContext
    /// Seconds since 1970; the last moment at which the server's certificate is valid.
    let validUntil: Int64

    /// - Parameter now: seconds since 1970.
    init(_ files: TLSFiles, now: Int64) throws(TLSFileError) {
        let chain = try Self.chain(in: files.certificate)
        let key = try Self.key(in: files.key)
        let (begin, end) = (Int64(chain[0].notValidBefore), Int64(chain[0].notValidAfter))
        guard now <= end else { throw .expired(file: files.certificate, at: end) }
        guard now >= begin else { throw .notValidYet(file: files.certificate, until: begin) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = files.minimumVersion == .tls13 ? .tlsv13 : .tlsv12
        // Of TLS 1.2 only what keeps a recorded conversation secret when the key becomes known, and authenticates with the
        // encryption (RFC 9325, 4.2).
        configuration.cipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20"
        configuration.applicationProtocols = ["http/1.1"]
        do { context = try NIOSSLContext(configuration: configuration) } catch {
            if case NIOSSLError.failedToLoadPrivateKey = error {
                throw .mismatch(certificate: files.certificate, key: files.key)
            }
            throw .unusable(file: files.certificate, reason: "\(error)")
        }
        validUntil = end
    }

    private static func chain(in file: String) throws(TLSFileError) -> [NIOSSLCertificate] {
        let bytes = try contents(of: file)
        let chain: [NIOSSLCertificate]
        do { chain = try NIOSSLCertificate.fromPEMBytes(bytes) } catch { throw .noCertificate(file: file) }
        guard !chain.isEmpty else { throw .noCertificate(file: file) }
        guard chain.count <= chainMax else {
            throw .unusable(
                file: file,
                reason: "it has more than \(chainMax) certificates; trust stores belong to clients"
            )
        }
        return chain
    }

    private static func key(in file: String) throws(TLSFileError) -> NIOSSLPrivateKey {
        let bytes = try contents(of: file)
        guard !String(decoding: bytes, as: UTF8.self).contains("ENCRYPTED") else { throw .encryptedKey(file: file) }
        do { return try NIOSSLPrivateKey(bytes: bytes, format: .pem) } catch { throw .noKey(file: file) }
    }

    private static func contents(of file: String) throws(TLSFileError) -> [UInt8] {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(file: file, errno: errno) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: fileBytesMax + 1)
        var count = 0
        while count < bytes.count {
            let more = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + count, $0.count - count) }
            guard more >= 0 else { throw .unreadable(file: file, errno: errno) }
            if more == 0 { break }
            count += more
        }
        guard count <= fileBytesMax else {
            throw .unusable(file: file, reason: "it is larger than \(fileBytesMax) bytes")
        }
        return Array(bytes[..<count])
    }
}

/// Why a certificate or its key can't be used.
enum TLSFileError: Error, Equatable, CustomStringConvertible {
    case unreadable(file: String, errno: Int32)
    case noCertificate(file: String)
    case noKey(file: String)
    case encryptedKey(file: String)
    case mismatch(certificate: String, key: String)
    case expired(file: String, at: Int64)
    case notValidYet(file: String, until: Int64)
    case unusable(file: String, reason: String)

    var description: String {
        switch self {
        case .unreadable(let file, let number): "\(file) can't be read: \(String(cString: strerror(number)))"
        case .noCertificate(let file): "\(file) is not a certificate in PEM (-----BEGIN CERTIFICATE-----)"
        case .noKey(let file): "\(file) is not a private key in PEM (-----BEGIN PRIVATE KEY-----)"
        case .encryptedKey(let file):
            "the key in \(file) is encrypted, and there is nobody to ask for its passphrase; write it without one "
                + "(openssl pkey -in \(file) -out FILE) where only this server may read it"
        case .mismatch(let certificate, let key):
            "the key in \(key) is not that of the first certificate in \(certificate); the server's own comes first, "
                + "its issuers behind it"
        case .expired(let file, let end): "the certificate in \(file) was valid until \(Self.text(end)); renew it"
        case .notValidYet(let file, let begin):
            "the certificate in \(file) is not valid before \(Self.text(begin)); is the clock right?"
        case .unusable(let file, let reason): "\(file) can't be used: \(reason)"
        }
    }

    /// A point in time as people read it.
    static func text(_ seconds: Int64) -> String {
        var writer = ByteWriter(capacity: 64)
        Timestamp.append(epochMilliseconds: seconds * 1_000, to: &writer)
        return writer.withBytes { String(decoding: $0.prefix(19), as: UTF8.self) } + "Z"
    }
}
