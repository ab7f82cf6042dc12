/// What somebody may do; the rights of each are a matter of the routes.
public enum Role: String, CaseIterable, Sendable {
    /// The catalogue, prices and reports of a tenant.
    case organizer
    /// Sells for any customer of a tenant.
    case agent
    /// Holds and orders in the customer's own name.
    case customer
    /// Checks tickets in.
    case scanner
    /// Everything within a tenant.
    case admin
    /// Watches the server itself, whose figures are of all tenants; is of none, and may do nothing else.
    case monitor
}

/// Who asks, as a verified token says.
public struct Principal: Equatable, Sendable {
    /// 1 to 64 visible ASCII characters, as are subjects; empty for the role `monitor`.
    public let tenant: String
    public let subject: String
    public let role: Role
    /// From here on the token is not accepted any more, leeway included; milliseconds since 1970.
    public let acceptedUntil: Int64
    /// The key that the token was verified with, as `TokenVerifier.has` knows it.
    public let key: UInt64

    public init(tenant: String, subject: String, role: Role, acceptedUntil: Int64, key: UInt64 = 0) {
        self.tenant = tenant
        self.subject = subject
        self.role = role
        self.acceptedUntil = acceptedUntil
        self.key = key
    }
}

/// What a token has to say beside a signature, and how exactly clocks have to agree.
public struct TokenRules: Equatable, Sendable {
    /// The longest that a token is accepted before its beginning and after its end.
    public static let leewaySecondsMax = 60

    /// The `iss` that a token must have; nil takes any, and none.
    public var issuer: String?
    /// What a token's `aud` must name; nil takes any, and none.
    public var audience: String?
    /// 0 to `leewaySecondsMax`.
    public var leewaySeconds: Int

    public init(issuer: String? = nil, audience: String? = nil, leewaySeconds: Int = 30) {
        precondition((0...Self.leewaySecondsMax).contains(leewaySeconds), "a leeway that is out of its range")
        self.issuer = issuer
        self.audience = audience
        self.leewaySeconds = leewaySeconds
    }
}

/// Why a token is not accepted. Says nothing of the token's contents but what is missing or wrong.
public enum TokenFailure: Error, Equatable, Sendable {
    /// Not three parts of base64url with JSON in the first two, or longer than `TokenVerifier.tokenBytesMax`.
    case malformed
    /// The header's `alg` is none of HS256, RS256 and ES256, or there is no key for it.
    case algorithm
    /// The header asks for something that is not understood (`crit`), or names another type than JWT.
    case header
    /// No key has the header's `kid`.
    case unknownKey
    case signature
    case expired
    /// `nbf` or `iat` lies ahead.
    case notYetValid
    case issuer
    case audience
    /// A claim that is missing, or not of its form: `exp`, `sub`, `role`, or `tenant_id` where the role has a tenant.
    case claim(String)

    /// For the one who sent the token.
    public var message: String {
        switch self {
        case .malformed: "the token is not a signed JWT"
        case .algorithm: "the token is signed with an algorithm that is not accepted here"
        case .header: "the token's header asks for something that is not supported"
        case .unknownKey: "the token is signed with a key that is not known here"
        case .signature: "the token's signature is wrong"
        case .expired: "the token has expired"
        case .notYetValid: "the token is not valid yet"
        case .issuer: "the token is of another issuer"
        case .audience: "the token is for another audience"
        case .claim(let name): "the token's claim \(name) is missing or not of its form"
        }
    }
}
