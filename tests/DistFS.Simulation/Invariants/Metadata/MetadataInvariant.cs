using System.Diagnostics.CodeAnalysis;

namespace DistFS.Simulation;

/// <summary>
/// Something that must hold of the metadata after every entry. It is told what the entry changed, once, whichever
/// member was the first to run it: that the others have the same rows is another invariant.
/// </summary>
public abstract class MetadataInvariant
{
    /// <summary>Its name.</summary>
    public abstract string Name { get; }

    /// <summary>An entry was run.</summary>
    public abstract void OnEntry(MetadataEntry entry);

    /// <summary>Fails the seed unless <paramref name="holds"/>.</summary>
    protected void Must([DoesNotReturnIf(false)] bool holds, FormattableString detail)
    {
        if (!holds)
        {
            throw new InvariantException(Name, FormattableString.Invariant(detail));
        }
    }
}
