namespace DistFS.Client.Leases;

/// <summary>What a client may do by its lease of an inode (docs/design/leases.md); the numbers are those of the
/// wire.</summary>
public enum LeaseMode : byte
{
    /// <summary>Nothing: everything is asked for.</summary>
    None = 0,

    /// <summary>Attributes, names and content are answered from the cache.</summary>
    Read = 1,

    /// <summary>Besides, they are changed here and sent later.</summary>
    Write = 2,
}
