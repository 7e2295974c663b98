namespace Crosshead.Data.Sources;

/// <summary>One document of the training text.</summary>
/// <param name="Text">Its text, which is never only white space.</param>
/// <param name="Source">The index of its file among <see cref="DocumentReader.Files"/>.</param>
/// <param name="Index">Its index within that file, from 0.</param>
public readonly record struct Document(string Text, int Source, long Index);
