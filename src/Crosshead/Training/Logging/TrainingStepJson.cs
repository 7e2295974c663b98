using System.Text.Json.Serialization;

namespace Crosshead.Training.Logging;

/// <summary>
/// How a step is written as JSON: camel case, absent values left out, numbers that are not finite as strings.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(TrainingStepRecord))]
internal sealed partial class TrainingStepJson : JsonSerializerContext;
