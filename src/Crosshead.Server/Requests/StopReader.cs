using System.Text.Json;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;

namespace Crosshead.Server.Requests;

/// <summary>Reads what ends an answer.</summary>
internal static class StopReader
{
    private const int Most = 16, MostIds = 1024, Longest = 4096;

    /// <summary>The texts.</summary>
    /// <exception cref="ApiException">There are too many, or one is empty or no text.</exception>
    public static IReadOnlyList<string> Strings(FieldValues values)
    {
        var field = SharedFields.Stop;
        if (values[field] is not { } value) return [];
        if (value.ValueKind == JsonValueKind.String) return [One(value, field.Name)];
        if (value.ValueKind != JsonValueKind.Array)
            throw FieldValues.Wrong(field, value, $"a text or a list of up to {Most} texts");
        if (value.GetArrayLength() > Most)
            throw ApiException.Invalid(field.Name,
                $"stop has {value.GetArrayLength()} texts; use at most {Most}.");
        return [.. value.EnumerateArray().Select((text, i) => One(text, $"{field.Name}[{i}]"))];
    }

    /// <summary>The ids of tokens.</summary>
    /// <exception cref="ApiException">One is no token of the model.</exception>
    public static IReadOnlyList<int> Ids(FieldValues values, int vocabulary)
    {
        var field = SharedFields.StopIds;
        if (values[field] is not { } value) return [];
        var ids = PromptReader.Ids(value, field.Name, vocabulary);
        return ids.Length <= MostIds ? [.. ids.Distinct()] : throw ApiException.Invalid(field.Name,
            $"stop_token_ids has {ids.Length} ids; use at most {MostIds}.");
    }

    private static string One(JsonElement value, string name)
    {
        if (value.ValueKind != JsonValueKind.String)
            throw ApiException.Invalid(name, $"{name} ({value.Shown()}) must be a text.");
        return value.GetString()! switch
        {
            "" => throw ApiException.Invalid(name, $"{name} is empty (\"\"), which would end every answer at once; "
                + "remove it."),
            { Length: > Longest } text => throw ApiException.Invalid(name,
                $"{name} has {text.Length} characters; use at most {Longest}."),
            var text => text,
        };
    }
}
