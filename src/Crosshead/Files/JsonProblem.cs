using System.Text.Json;
using System.Text.RegularExpressions;

namespace Crosshead.Files;

/// <summary>The problem of a JSON document, in words that do not mention the program that reads it.</summary>
public static partial class JsonProblem
{
    /// <summary>The problem as a phrase; the exception's own words if they are plain.</summary>
    public static string Of(JsonException problem)
    {
        var told = problem.Message;
        var path = problem.Path is { Length: > 2 } at ? $"\"{at[1..].TrimStart('.').Shown()}\"" : null; // without $
        bool Says(string part) => told.Contains(part, StringComparison.Ordinal);
        return Says("does not contain any JSON tokens") ? "it is empty"
            : Says("Expected depth to be zero") || Says("reached end of data") || Says("end of string was not found")
            ? "it ends within an object, a list or a text"
            : Says("trailing comma") ? "nothing follows a comma"
            : Says("maximum configured depth") ? "it is nested too deeply"
            : Duplicate().Match(told) is { Success: true } twice
            ? $"the key \"{twice.Groups["key"].Value.Shown()}\" stands there twice"
            : Says("Duplicate propert") ? "a key stands there twice"
            : Missing().Match(told) is { Success: true } lacks
            ? $"{path ?? "it"} lacks {lacks.Groups["keys"].Value.Replace('\'', '"')}"
            : Says("could not be mapped to any .NET member") ? $"the key {path} is unknown"
            : Says("could not be converted") || Says("doesn't allow setting null")
            ? $"{(path is null ? "it" : $"the value of {path}")} is of the wrong kind"
            : told;
    }

    [GeneratedRegex("Duplicate property '(?<key>.*)' encountered",
        RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Duplicate();

    [GeneratedRegex("missing required properties including: (?<keys>[^.]*)", RegexOptions.ExplicitCapture)]
    private static partial Regex Missing();
}
