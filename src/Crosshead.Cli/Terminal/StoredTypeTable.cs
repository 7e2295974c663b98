using System.Globalization;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints;

namespace Crosshead.Cli.Terminal;

/// <summary>Shows in which types a model's weights are stored.</summary>
internal static class StoredTypeTable
{
    /// <summary>The types as a table, with their sum if there are several.</summary>
    public static ResultTable Of(IReadOnlyList<StoredType> types)
    {
        var table = new ResultTable("stored type", "tensors>", "bytes>", "bits a weight>");
        foreach (var type in types.Count == 1 ? types : types.Append(StoredType.Sum(types)))
            table.Row(type.Name, type.Tensors.ToString("N0", CultureInfo.InvariantCulture), Quantity.Bytes(type.Bytes),
                type.BitsPerWeight.ToString("0.00", CultureInfo.InvariantCulture));
        return table;
    }

    /// <summary>A type as JSON.</summary>
    public static JsonObject Node(StoredType type) => new()
    {
        ["name"] = type.Name,
        ["tensors"] = type.Tensors,
        ["weights"] = type.Elements,
        ["bytes"] = type.Bytes,
        ["bitsPerWeight"] = CommandOutput.Number(type.BitsPerWeight),
    };
}
