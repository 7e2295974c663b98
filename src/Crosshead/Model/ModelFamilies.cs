namespace Crosshead.Model;

/// <summary>Names of the families, as configurations write them.</summary>
public static class ModelFamilies
{
    /// <summary>The <c>model_type</c> of a family.</summary>
    public static string NameOf(this ModelFamily family) => EnumName.Of(family);
}
