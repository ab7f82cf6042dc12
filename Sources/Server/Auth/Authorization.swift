import Auth
import Engine

/// Who a request comes from.
enum Authorization: Sendable {
    /// The server has no keys for tokens: whoever reaches it may do anything, and says in header fields for whom.
    case anybody
    /// A token was asked for and there was none.
    case nobody
    case refused(TokenFailure)
    case known(KnownCaller)
}

/// Who a verified token names.
struct KnownCaller: Equatable, Sendable {
    let tenant: ShortText
    let subject: ShortText
    let role: Role
    /// Milliseconds since 1970; from here on the token is not accepted any more.
    let acceptedUntil: Milliseconds
    /// The key that the token was verified with.
    let key: UInt64

    init(_ principal: Principal) {
        // A principal's names are short enough.
        tenant = ShortText(principal.tenant)!
        subject = ShortText(principal.subject)!
        role = principal.role
        acceptedUntil = principal.acceptedUntil
        key = principal.key
    }
}

extension Authorization {
    /// Refuses whom the route is not for.
    func check(_ endpoint: Endpoint, _ method: HTTPMethod) throws(Problem) {
        let access = endpoint.access(method)
        switch self {
        case .anybody: return
        case .nobody:
            guard access == .everybody else { throw .tokenMissing }
        case .refused(let failure):
            guard access == .everybody else { throw .tokenRefused(failure) }
        case .known(let caller):
            guard access.contains(caller.role) else { throw .notForRole(caller.role) }
        }
    }
}

extension Problem {
    static var tokenMissing: Problem {
        var problem = Problem(
            .unauthorized,
            "TOKEN_MISSING",
            "Token missing",
            "This needs a token: Authorization: Bearer …"
        )
        problem.challenge = "Bearer"
        return problem
    }

    static func tokenRefused(_ failure: TokenFailure) -> Problem {
        var problem = Problem(
            .unauthorized,
            failure == .expired ? "TOKEN_EXPIRED" : "TOKEN_INVALID",
            failure == .expired ? "Token expired" : "Token invalid",
            "\(failure.message)"
        )
        problem.challenge = "Bearer error=\"invalid_token\""
        return problem
    }

    static func notForRole(_ role: Role) -> Problem {
        var problem = Problem(
            .forbidden,
            "ROLE_FORBIDDEN",
            "Not for this role",
            "The role \(role.rawValue) may not do this."
        )
        problem.challenge = "Bearer error=\"insufficient_scope\""
        return problem
    }
}
