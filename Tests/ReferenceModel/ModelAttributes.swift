import Foundation

/// Whether a text is members of a JSON object, as Foundation reads it.
func isMembers(_ text: String) -> Bool {
    text.isEmpty || (try? JSONSerialization.jsonObject(with: Data("{\(text)}".utf8))) is [String: Any]
}
