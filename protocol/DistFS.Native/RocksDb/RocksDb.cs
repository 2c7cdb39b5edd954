using System.Runtime.InteropServices;

namespace DistFS.Native.RocksDb;

/// <summary>
/// An open RocksDB database. Safe for concurrent use. Dispose closes it as soon as nothing of it is in use any more:
/// calls that run in other threads, iterators, snapshots, pinned values and read options with a snapshot keep it open
/// (and its folder locked), and none of them can crash whichever goes first.
/// </summary>
/// <remarks>
/// The usual errors, which every member may throw: <see cref="StoreCorruptException"/>, <see cref="StoreIoException"/>,
/// <see cref="StoreFullException"/>, <see cref="StoreRefusedException"/>, <see cref="ObjectDisposedException"/>, and
/// <see cref="ArgumentException"/> for an object that belongs to another database.
/// </remarks>
public sealed unsafe partial class RocksDb : IDisposable
{
    private readonly DbHandle _handle;
    private readonly Lock _gate = new();
    private readonly bool _atomicFlush;
    private volatile Dictionary<string, ColumnFamily> _families;

    private RocksDb(DbHandle handle, Dictionary<string, ColumnFamily> families, bool atomicFlush)
    {
        _atomicFlush = atomicFlush;
        _handle = handle;
        _families = families;
        DefaultColumnFamily = families[ColumnFamily.DefaultName];
    }

    /// <summary>The folder.</summary>
    public string Path => _handle.Path;

    /// <summary>The family "default".</summary>
    public ColumnFamily DefaultColumnFamily { get; }

    /// <summary>The families that are open.</summary>
    public IReadOnlyCollection<ColumnFamily> ColumnFamilies => _families.Values;

    /// <summary>Opens a database for reading and writing.</summary>
    /// <param name="options">How.</param>
    /// <param name="path">The folder; it is locked until the database is closed.</param>
    /// <param name="families">
    /// Every family that the database has, and more if they are to be created; "default" may be left out and then has
    /// default options.
    /// </param>
    /// <exception cref="StoreLockedException">The folder is open elsewhere.</exception>
    /// <exception cref="StoreVersionException">
    /// No store is there, or it has families that are not named, or a format that this engine does not know.
    /// </exception>
    /// <exception cref="StoreCorruptException">
    /// Files are damaged or lost; also when there are tables but the file CURRENT is gone, which the engine by itself
    /// would take for an empty folder, and delete them.
    /// </exception>
    /// <exception cref="NativeLibraryMissingException">librocksdb is not installed.</exception>
    public static RocksDb Open(
        RocksDbOptions options, string path, params IReadOnlyList<ColumnFamilyDescriptor> families)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(path);
        RefuseToReplace(path);
        return Open(options, path, families, readOnly: false);
    }

    /// <summary>
    /// Opens a database for reading, without a lock: what another process writes meanwhile is not seen, and files
    /// that it deletes may be missed. Meant for checkpoints and tools.
    /// </summary>
    /// <exception cref="StoreVersionException">No store is there, or a named family does not exist.</exception>
    public static RocksDb OpenReadOnly(
        RocksDbOptions options, string path, params IReadOnlyList<ColumnFamilyDescriptor> families)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Open(options, path, families, readOnly: true);
    }

    /// <summary>The names of the families of a database that need not be open.</summary>
    /// <exception cref="RocksDbException">There is no database, or it is damaged.</exception>
    public static IReadOnlyList<string> ListColumnFamilies(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        NativeLibraries.RocksDb.Require();
        using var options = new OptionsHandle();
        byte* error = null;
        nuint count;
        byte** list;
        fixed (byte* name = OptionsBuilder.ToText(path))
        {
            list = RocksNative.ListColumnFamilies(options.DangerousGetHandle(), name, &count, &error);
        }

        RocksDbErrors.ThrowIfError(error, path);
        var names = new string[count];
        for (var i = 0; i < names.Length; i++)
        {
            names[i] = Marshal.PtrToStringUTF8((nint)list[i])!;
        }

        RocksNative.ListColumnFamiliesDestroy(list, count);
        return names;
    }

    /// <summary>Deletes the files of a database that is not open. A folder without one is no error.</summary>
    /// <exception cref="StoreLockedException">The database is open.</exception>
    public static void Destroy(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        NativeLibraries.RocksDb.Require();
        using var options = new OptionsHandle();
        byte* error = null;
        fixed (byte* name = OptionsBuilder.ToText(path))
        {
            RocksNative.DestroyDb(options.DangerousGetHandle(), name, &error);
        }

        RocksDbErrors.ThrowIfError(error, path);
    }

    /// <summary>An open family.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public ColumnFamily GetColumnFamily(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _families.TryGetValue(name, out var family)
            ? family
            : throw new ArgumentException($"'{name}' is no column family of {Path}.", nameof(name));
    }

    /// <summary>Creates a family.</summary>
    /// <exception cref="StoreRefusedException">It exists.</exception>
    public ColumnFamily CreateColumnFamily(string name, ColumnFamilyOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(options);
        using var native = OptionsBuilder.Build(options);
        using var db = _handle.Acquire();
        lock (_gate)
        {
            byte* error = null;
            nint pointer;
            fixed (byte* text = OptionsBuilder.ToText(name))
            {
                pointer = RocksNative.CreateColumnFamily(db.Pointer, native.DangerousGetHandle(), text, &error);
            }

            RocksDbErrors.ThrowIfError(error, Path);
            _handle.Own(pointer);
            var family = new ColumnFamily(_handle, name, pointer);
            _families = new Dictionary<string, ColumnFamily>(_families, StringComparer.Ordinal) { [name] = family };
            return family;
        }
    }

    /// <summary>
    /// Drops a family with all its keys. Reads that hold it go on; its files go when the last of them ends, at the
    /// latest when the database is closed. Later writes to it are refused.
    /// </summary>
    public void DropColumnFamily(ColumnFamily family)
    {
        using var db = Enter(family);
        lock (_gate)
        {
            byte* error = null;
            RocksNative.DropColumnFamily(db.Pointer, family.Pointer, &error);
            RocksDbErrors.ThrowIfError(error, Path);
            var families = new Dictionary<string, ColumnFamily>(_families, StringComparer.Ordinal);
            families.Remove(family.Name);
            _families = families;
        }
    }

    /// <summary>
    /// Closes the database, after flushing what was written without a log, as soon as nothing uses it any more. Later
    /// calls throw <see cref="ObjectDisposedException"/>.
    /// </summary>
    public void Dispose() => _handle.Dispose();

    private static RocksDb Open(
        RocksDbOptions options, string path, IReadOnlyList<ColumnFamilyDescriptor> families, bool readOnly)
    {
        ArgumentNullException.ThrowIfNull(families);
        NativeLibraries.RocksDb.Require();
        var all = families.Any(family => family.Name == ColumnFamily.DefaultName)
            ? families
            : [new ColumnFamilyDescriptor(ColumnFamily.DefaultName, new ColumnFamilyOptions()), .. families];
        using var native = OptionsBuilder.Build(options);
        var familyOptions = new List<OptionsHandle>(all.Count);
        var handle = new DbHandle(path);
        try
        {
            foreach (var family in all)
            {
                familyOptions.Add(OptionsBuilder.Build(family.Options));
            }

            var pointers = OpenNative(handle, native, all, familyOptions, readOnly);
            var byName = new Dictionary<string, ColumnFamily>(StringComparer.Ordinal);
            for (var i = 0; i < pointers.Length; i++)
            {
                byName.Add(all[i].Name, new ColumnFamily(handle, all[i].Name, pointers[i]));
            }

            if (!readOnly)
            {
                RemoveFlushRemains(path);
            }

            return new RocksDb(handle, byName, options.AtomicFlush);
        }
        catch
        {
            if (handle.IsInvalid)
            {
                handle.Abandon();
            }

            handle.Dispose();
            throw;
        }
        finally
        {
            familyOptions.ForEach(family => family.Dispose());
        }
    }

    private static nint[] OpenNative(
        DbHandle handle,
        OptionsHandle options,
        IReadOnlyList<ColumnFamilyDescriptor> families,
        List<OptionsHandle> familyOptions,
        bool readOnly)
    {
        var count = families.Count;
        var names = new GCHandle[count];
        var namePointers = new byte*[count];
        var optionPointers = new nint[count];
        var pointers = new nint[count];
        try
        {
            for (var i = 0; i < count; i++)
            {
                names[i] = GCHandle.Alloc(OptionsBuilder.ToText(families[i].Name), GCHandleType.Pinned);
                namePointers[i] = (byte*)names[i].AddrOfPinnedObject();
                optionPointers[i] = familyOptions[i].DangerousGetHandle();
            }

            byte* error = null;
            nint db;
            fixed (byte* path = OptionsBuilder.ToText(handle.Path))
            fixed (byte** name = namePointers)
            fixed (nint* option = optionPointers)
            fixed (nint* pointer = pointers)
            {
                var native = options.DangerousGetHandle();
                db = readOnly
                    ? RocksNative.OpenForReadOnlyColumnFamilies(native, path, count, name, option, pointer, 0, &error)
                    : RocksNative.OpenColumnFamilies(native, path, count, name, option, pointer, &error);
            }

            RocksDbErrors.ThrowIfError(error, handle.Path);
            handle.Adopt(db);
            Array.ForEach(pointers, handle.Own);
            return pointers;
        }
        finally
        {
            Array.ForEach(names, name =>
            {
                if (name.IsAllocated)
                {
                    name.Free();
                }
            });
        }
    }

    /// <summary>
    /// Without CURRENT the engine takes a folder for empty: with "create if missing" it starts a new database there and
    /// then deletes the old one's files as unknown. A creation that was interrupted leaves MANIFEST-000001 at most.
    /// </summary>
    private static void RefuseToReplace(string path)
    {
        if (!Directory.Exists(path) || File.Exists(System.IO.Path.Combine(path, "CURRENT")))
        {
            return;
        }

        var remains = Directory.EnumerateFiles(path).Select(System.IO.Path.GetFileName).FirstOrDefault(name =>
            name!.EndsWith(".sst", StringComparison.Ordinal)
            || name.EndsWith(".blob", StringComparison.Ordinal)
            || (name.StartsWith("MANIFEST-", StringComparison.Ordinal) && name != "MANIFEST-000001"));
        if (remains is not null)
        {
            throw new StoreCorruptException(path, $"CURRENT is gone, but {remains} is there: nothing was touched");
        }
    }

    private Lease Enter(ColumnFamily family)
    {
        ArgumentNullException.ThrowIfNull(family);
        if (!ReferenceEquals(family.Owner, _handle))
        {
            ThrowForeign(nameof(family));
        }

        return _handle.Acquire();
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private void ThrowForeign(string parameter) =>
        throw new ArgumentException($"The object belongs to another database than {Path}.", parameter);
}
