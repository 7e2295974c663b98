namespace Crosshead.Tests.Training.Recipes;

/// <summary>A key of a recipe, as the reference tells it.</summary>
/// <param name="Section">The object that holds it, as <c>training.schedule</c>; empty for the whole.</param>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its type and range in words.</param>
/// <param name="Default">Its default as JSON.</param>
/// <param name="Meaning">What it does.</param>
/// <param name="Choices">What each of its values means, where they have names.</param>
internal sealed record RecipeKey(string Section, string Name, string Value, string Default, string Meaning,
    IReadOnlyList<(string Name, string Meaning)> Choices);
