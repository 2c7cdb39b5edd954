namespace DistFS.Fuse;

/// <summary>How a mount is made.</summary>
public sealed record FuseMountOptions
{
    /// <summary>What mount tables show as the source: a name, not a path. Default "fuse".</summary>
    public string Source { get; init; } = "fuse";

    /// <summary>The type in mount tables is "fuse." and this; empty: "fuse".</summary>
    public string Subtype { get; init; } = "";

    /// <summary>No changes.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Setuid bits count. Only for root. Default no.</summary>
    public bool AllowSetUid { get; init; }

    /// <summary>Device nodes count. Only for root. Default no.</summary>
    public bool AllowDevices { get; init; }

    /// <summary>
    /// Other users may use it; an ordinary user needs user_allow_other in /etc/fuse.conf for that. Default no.
    /// </summary>
    public bool AllowOther { get; init; }

    /// <summary>The kernel checks modes and owners before it asks.</summary>
    public bool DefaultPermissions { get; init; }

    /// <summary>Through fusermount3, as users other than root must. Default: unless root.</summary>
    public bool UseFusermount { get; init; } = OperatingSystem.IsLinux() && Libc.EffectiveUser() != 0;

    /// <summary>
    /// A small process that removes the mount when this process dies, by kill -9 too. Default yes.
    /// </summary>
    public bool Watchdog { get; init; } = true;

    /// <summary>
    /// After an unmount, files that are open are served for so long; then they fail. Default 10 s.
    /// </summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The kernel must have begun within this time. Default 10 s.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How requests are served.</summary>
    public FuseOptions Server { get; init; } = new();

    internal string FileSystemType => Subtype.Length == 0 ? "fuse" : $"fuse.{Subtype}";

    internal void Validate()
    {
        RequireWord(Source, nameof(Source), "\\\0\n ");
        if (Subtype.Length > 0)
        {
            RequireWord(Subtype, nameof(Subtype), ",\\\0\n ");
        }

        if (UseFusermount && (AllowSetUid || AllowDevices))
        {
            throw new ArgumentException("FuseMountOptions.AllowSetUid and AllowDevices are for root only.");
        }

        if (BusyTimeout < TimeSpan.Zero || StartTimeout <= TimeSpan.Zero)
        {
            throw new ArgumentException("FuseMountOptions.BusyTimeout and StartTimeout must be positive.");
        }
    }

    private static void RequireWord(string value, string name, string without)
    {
        // They travel in a list that commas separate; those of a source are escaped.
        if (value.Length == 0 || value.AsSpan().ContainsAny(without) || value.StartsWith('-'))
        {
            throw new ArgumentException(
                $"FuseMountOptions.{name} must be text without backslashes, spaces and a leading '-'"
                    + (without.Contains(',', StringComparison.Ordinal) ? ", and without commas." : "."));
        }
    }
}
