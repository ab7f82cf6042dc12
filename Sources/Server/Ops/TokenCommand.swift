import ArgumentParser
import Auth
import Engine

/// `holdfast token`: a token for development.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make a token, for development.",
        discussion: """
            In production whoever knows who logs in makes the tokens; the server only verifies them. Prints the token alone, \
            to be used as: curl -H "Authorization: Bearer $(holdfast token …)".
            """
    )

    @Option(
        help: ArgumentHelp(
            "A file with the shared secret of 32 bytes or more, or with a private key in PEM.",
            valueName: "file"
        )
    )
    var keys: String

    @Option(help: ArgumentHelp("The tenant whose things the token is for; the role monitor has none.", valueName: "id"))
    var tenant = "default"

    @Option(help: ArgumentHelp("Whom the token names: for a customer the customer's id.", valueName: "id"))
    var subject: String

    @Option(help: "One of \(Role.allCases.map(\.rawValue).joined(separator: ", ")).")
    var role: String

    @Option(help: ArgumentHelp("The issuer, where the server asks for one.", valueName: "text"))
    var issuer: String?

    @Option(help: ArgumentHelp("The audience, where the server asks for one.", valueName: "text"))
    var audience: String?

    @Option(help: "For how many seconds it is valid, 1 to 31536000.")
    var seconds: Int64 = 3_600

    func validate() throws {
        guard Role(rawValue: role) != nil else {
            throw ValidationError("--role is one of \(Role.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        guard (1...31_536_000).contains(seconds) else {
            throw ValidationError("--seconds is between 1 and 31,536,000.")
        }
    }

    func run() async throws {
        do throws(TokenKeyError) {
            let mint = try TokenMint(keys: try await TokenKeys(file: keys))
            let token = try mint.token(
                tenant: tenant,
                subject: subject,
                role: Role(rawValue: role)!,
                rules: TokenRules(issuer: issuer, audience: audience),
                now: Engine.systemClock() / 1_000,
                seconds: seconds
            )
            print(token)
        } catch {
            throw ValidationError("\(keys): \(error)")
        }
    }
}
