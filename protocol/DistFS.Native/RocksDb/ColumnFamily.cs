namespace DistFS.Native.RocksDb;

/// <summary>
/// A keyspace of its own inside a database, with its own files and options. Writes to several families in one batch are
/// atomic. Belongs to its <see cref="RocksDb"/> and is valid as long as that is open.
/// </summary>
public sealed class ColumnFamily
{
    internal ColumnFamily(DbHandle owner, string name, nint pointer)
    {
        Owner = owner;
        Name = name;
        Pointer = pointer;
        Id = RocksNative.ColumnFamilyHandleGetId(pointer);
    }

    /// <summary>The name that every database has.</summary>
    public static string DefaultName => "default";

    /// <summary>The name, unique in the database.</summary>
    public string Name { get; }

    /// <summary>The number in batches and logs.</summary>
    public long Id { get; }

    internal DbHandle Owner { get; }

    /// <summary>Valid while a reference on <see cref="Owner"/> is held.</summary>
    internal nint Pointer { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>A column family to open.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Options">Its options.</param>
public sealed record ColumnFamilyDescriptor(string Name, ColumnFamilyOptions Options);
