namespace DistFS.Protocol;

/// <summary>Versions of the frame protocol that this build speaks.</summary>
public static class WireVersions
{
    /// <summary>The oldest that is still understood.</summary>
    public const uint Min = 1;

    /// <summary>The newest.</summary>
    public const uint Max = 1;
}
