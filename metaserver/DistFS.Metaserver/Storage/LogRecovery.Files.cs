using DistFS.Primitives;

namespace DistFS.Metaserver.Storage;

/// <content>Which files are of the log.</content>
internal sealed partial class LogRecovery
{
    private void OpenFiles(IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            if (name.StartsWith(StoreFiles.SegmentPrefix, StringComparison.Ordinal))
            {
                OpenFile(name);
            }
        }

        var isLastMissing = hard.SegmentFirst.Value != 0 && !_files.Exists(file => file.First == hard.SegmentFirst);
        if (isLastMissing)
        {
            throw Refuse($"{Segment.NameOf(hard.SegmentFirst)} is missing, and nothing tells how many entries it had. "
                + $"Put it back if it was moved. {Remedy}");
        }

        // Names of 20 digits: their order is that of the indexes.
        while (_files.Count > 1 && _files[1].First <= start.Compacted.Index.Next)
        {
            Covered.Add(_files[0].Name);
            _files[0].File.Dispose();
            _files.RemoveAt(0);
        }
    }

    private void OpenFile(string name)
    {
        if (Segment.FirstOf(name) is not { } first || first.Value == 0)
        {
            throw Refuse($"{name} is no name that DistFS gives. Rename it back, or move it out of the folder.");
        }

        var file = disk.TryOpen(name) ?? throw Refuse($"{name} vanished.");
        var reader = new SegmentReader(file, _salt);
        var header = SegmentHeader.Read(reader.At(0, SegmentHeader.AreaBytes), name);
        var found = new Found(name, first, file, header, reader);
        if (header is { } known && known.Store != store)
        {
            throw new StoreRefusedException(
                ErrorCatalog.StoreForeign,
                $"{disk.Name}: {name} is of store {known.Store}, but the folder is of store {store}. "
                + "Put every file back to its own folder.");
        }

        // Of a log that was dropped, or made when the process ended: nothing in it ever counted.
        var isOld = header is { } old && old.Epoch < start.Epoch;
        var isNew = header == null && first > hard.SegmentFirst;
        if (isOld || isNew)
        {
            Obsolete.Add(name);
            file.Dispose();
            return;
        }

        if (header is { } newer && newer.Epoch > start.Epoch)
        {
            throw Refuse($"{name} is newer than '{StoreFiles.Base}'. {Remedy}");
        }

        if (header is { } other && other.First != first)
        {
            throw Refuse($"{name} was renamed from {Segment.NameOf(other.First)}. Rename it back.");
        }

        _files.Add(found);
    }
}

/// <summary>The unit in which a disk writes: what was synced is never in a sector that is written again.</summary>
internal static class Sectors
{
    public const int Bytes = 512;

    public static int RoundUp(int offset) => (offset + Bytes - 1) & -Bytes;
}
