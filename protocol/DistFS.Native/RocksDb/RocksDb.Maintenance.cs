using System.Runtime.InteropServices;

namespace DistFS.Native.RocksDb;

/// <content>Files, and what the engine tells about itself.</content>
public sealed unsafe partial class RocksDb
{
    /// <summary>The number of the latest write; each key of a batch has one.</summary>
    public long LatestSequenceNumber
    {
        get
        {
            using var db = _handle.Acquire();
            return checked((long)RocksNative.GetLatestSequenceNumber(db.Pointer));
        }
    }

    /// <summary>
    /// Compacts the keys from <paramref name="start"/> to <paramref name="end"/>, the last level included; an empty
    /// bound is none. The C API reports no error of it: an error shows in the property "rocksdb.background-errors",
    /// and in the next write.
    /// </summary>
    public void CompactRange(ColumnFamily family, ReadOnlySpan<byte> start = default, ReadOnlySpan<byte> end = default)
    {
        const byte Force = 2; // BottommostLevelCompaction::kForce of RocksDB's options.h.
        using var db = Enter(family);
        using var options = new CompactOptionsHandle();
        RocksNative.CompactOptionsSetBottommostLevelCompaction(options.DangerousGetHandle(), Force);
        fixed (byte* startText = start)
        fixed (byte* endText = end)
        {
            RocksNative.CompactRangeCfOpt(
                db.Pointer, family.Pointer, options.DangerousGetHandle(), startText, (nuint)start.Length, endText,
                (nuint)end.Length);
        }
    }

    /// <summary>
    /// Lets a family compact that was opened with <see cref="ColumnFamilyOptions.DisableAutoCompactions"/>. What waits
    /// for it begins at once, on the engine's thread. Writes a small file, durably.
    /// </summary>
    public void EnableAutoCompactions(ColumnFamily family)
    {
        using var db = Enter(family);
        byte* error = null;
        fixed (byte* name = OptionsBuilder.ToText("disable_auto_compactions"))
        fixed (byte* value = OptionsBuilder.ToText("false"))
        {
            var (names, values) = ((nint)name, (nint)value);
            RocksNative.SetOptionsCf(db.Pointer, family.Pointer, 1, &names, &values, &error);
        }

        RocksDbErrors.ThrowIfError(error, Path);
    }

    /// <summary>
    /// Deletes the table files that lie wholly between two keys, both included, at once and without writing anything.
    /// Keys of the range in other files stay: a <see cref="DeleteRange"/> first makes them unreadable. Files of level
    /// 0 stay as well, and so does a file that a compaction is reading. Snapshots do not protect what is deleted.
    /// </summary>
    /// <remarks>The last key is included, unlike elsewhere, since the C API offers no other form.</remarks>
    public void DeleteFilesInRange(ColumnFamily family, ReadOnlySpan<byte> firstKey, ReadOnlySpan<byte> lastKey)
    {
        if (firstKey.IsEmpty || lastKey.IsEmpty)
        {
            throw new ArgumentException("A bound is empty, which to the engine means: everything on that side.");
        }

        using var db = Enter(family);
        byte* error = null;
        fixed (byte* first = firstKey)
        fixed (byte* last = lastKey)
        {
            RocksNative.DeleteFileInRangeCf(
                db.Pointer, family.Pointer, first, (nuint)firstKey.Length, last, (nuint)lastKey.Length, &error);
        }

        RocksDbErrors.ThrowIfError(error, Path);
    }

    /// <summary>
    /// Takes in files of <see cref="SstFileWriter"/>, all or none, durably. They must not overlap one another.
    /// </summary>
    /// <exception cref="StoreRefusedException">
    /// Files overlap one another, or what the settings do not allow.
    /// </exception>
    /// <exception cref="StoreCorruptException">A file is damaged.</exception>
    public void IngestExternalFiles(ColumnFamily family, IReadOnlyList<string> files, IngestSettings? settings = null)
    {
        ArgumentNullException.ThrowIfNull(files);
        settings ??= IngestSettings.Default;
        using var db = Enter(family);
        using var options = new IngestOptionsHandle();
        var native = options.DangerousGetHandle();
        RocksNative.IngestOptionsSetMoveFiles(native, settings.MoveFiles ? (byte)1 : (byte)0);
        RocksNative.IngestOptionsSetSnapshotConsistency(native, settings.SnapshotConsistency ? (byte)1 : (byte)0);
        RocksNative.IngestOptionsSetAllowGlobalSequence(native, settings.AllowOverlap ? (byte)1 : (byte)0);
        RocksNative.IngestOptionsSetAllowBlockingFlush(native, settings.AllowBlockingFlush ? (byte)1 : (byte)0);
        var names = new GCHandle[files.Count];
        var pointers = new byte*[files.Count];
        try
        {
            for (var i = 0; i < files.Count; i++)
            {
                names[i] = GCHandle.Alloc(OptionsBuilder.ToText(files[i]), GCHandleType.Pinned);
                pointers[i] = (byte*)names[i].AddrOfPinnedObject();
            }

            byte* error = null;
            fixed (byte** list = pointers)
            {
                RocksNative.IngestExternalFileCf(
                    db.Pointer, family.Pointer, list, (nuint)files.Count, native, &error);
            }

            RocksDbErrors.ThrowIfError(error, Path);
        }
        finally
        {
            foreach (var name in names)
            {
                if (name.IsAllocated)
                {
                    name.Free();
                }
            }
        }
    }

    /// <summary>
    /// A property as text ("rocksdb.stats", "rocksdb.levelstats"); null when the engine does not know it.
    /// </summary>
    public string? GetProperty(string name, ColumnFamily? family = null)
    {
        using var db = Enter(family ?? DefaultColumnFamily);
        byte* value;
        fixed (byte* text = OptionsBuilder.ToText(name))
        {
            value = family is null
                ? RocksNative.PropertyValue(db.Pointer, text)
                : RocksNative.PropertyValueCf(db.Pointer, family.Pointer, text);
        }

        if (value is null)
        {
            return null;
        }

        var result = Marshal.PtrToStringUTF8((nint)value);
        RocksNative.Free(value);
        return result;
    }

    /// <summary>A property as a number ("rocksdb.estimate-num-keys"); null when the engine does not know it.</summary>
    public long? GetIntProperty(string name, ColumnFamily? family = null)
    {
        using var db = Enter(family ?? DefaultColumnFamily);
        ulong value;
        int failed;
        fixed (byte* text = OptionsBuilder.ToText(name))
        {
            failed = family is null
                ? RocksNative.PropertyInt(db.Pointer, text, &value)
                : RocksNative.PropertyIntCf(db.Pointer, family.Pointer, text, &value);
        }

        return failed == 0 ? checked((long)value) : null;
    }

    /// <summary>The table files of all families.</summary>
    public IReadOnlyList<LiveFile> GetLiveFiles()
    {
        using var db = _handle.Acquire();
        using var files = new LiveFilesHandle(RocksNative.LiveFiles(db.Pointer));
        var list = files.DangerousGetHandle();
        var result = new LiveFile[RocksNative.LiveFilesCount(list)];
        for (var i = 0; i < result.Length; i++)
        {
            nuint length;
            var smallest = RocksNative.LiveFilesSmallestKey(list, i, &length);
            var smallestKey = new ReadOnlySpan<byte>(smallest, checked((int)length)).ToArray();
            var largest = RocksNative.LiveFilesLargestKey(list, i, &length);
            var largestKey = new ReadOnlySpan<byte>(largest, checked((int)length)).ToArray();
            result[i] = new LiveFile(
                Marshal.PtrToStringUTF8((nint)RocksNative.LiveFilesName(list, i))!.TrimStart('/'),
                Marshal.PtrToStringUTF8((nint)RocksNative.LiveFilesColumnFamilyName(list, i))!,
                RocksNative.LiveFilesLevel(list, i),
                checked((long)RocksNative.LiveFilesSize(list, i)),
                checked((long)RocksNative.LiveFilesEntries(list, i)),
                checked((long)RocksNative.LiveFilesDeletions(list, i)),
                smallestKey,
                largestKey);
        }

        return result;
    }
}

/// <summary>A table file.</summary>
/// <param name="Name">In the folder of the database.</param>
/// <param name="ColumnFamily">Whose.</param>
/// <param name="Level">0 for the newest.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Entries">Keys in it, deletions included.</param>
/// <param name="Deletions">Deletions in it.</param>
/// <param name="SmallestKey">The first key.</param>
/// <param name="LargestKey">The last key.</param>
public sealed record LiveFile(
    string Name,
    string ColumnFamily,
    int Level,
    long Bytes,
    long Entries,
    long Deletions,
    ReadOnlyMemory<byte> SmallestKey,
    ReadOnlyMemory<byte> LargestKey);
