using System.Text.Json.Serialization;

namespace Crosshead.Training.Recipes;

/// <summary>A part of a model that can be trained or left unchanged.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TrainablePart>))]
public enum TrainablePart
{
    /// <summary>All parameters.</summary>
    [JsonStringEnumMemberName("all")] All,

    /// <summary>The token embedding and the output head.</summary>
    [JsonStringEnumMemberName("embeddings")] Embeddings,

    /// <summary>The query projections.</summary>
    [JsonStringEnumMemberName("queries")] Queries,

    /// <summary>The key projections, of whole heads or of components.</summary>
    [JsonStringEnumMemberName("keys")] Keys,

    /// <summary>The value projections, of whole heads or of components.</summary>
    [JsonStringEnumMemberName("values")] Values,

    /// <summary>The mixes: the factors that compose heads from components.</summary>
    [JsonStringEnumMemberName("mixes")] Mixes,

    /// <summary>The output projections of the attention layers.</summary>
    [JsonStringEnumMemberName("output")] Output,

    /// <summary>The feed-forward layers.</summary>
    [JsonStringEnumMemberName("mlp")] Mlp,

    /// <summary>The weights of all norms.</summary>
    [JsonStringEnumMemberName("norms")] Norms,
}
