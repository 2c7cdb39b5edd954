namespace DistFS.Posix.Tests;

/// <summary>
/// A suite that cannot fail proves nothing: each planted deviation is seen by the checks that should see it.
/// </summary>
public sealed class PlantedFaultTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public static TheoryData<Fault, string> Faults => new()
    {
        { Fault.ExclusiveIgnored, "Open.ExclusiveOn" },
        { Fault.ExclusiveIgnored, "Exclusive.ALockFile" },
        { Fault.ExclusiveIgnored, "Racing.ExclusiveCreate" },
        { Fault.AppendIgnored, "Append.TheEndIsTheEndOfNow" },
        { Fault.AppendIgnored, "Racing.Appended" },
        { Fault.OpenTruncateIgnored, "Open.TruncCuts" },
        { Fault.NoFollowIgnored, "Open.NoFollow" },
        { Fault.DirectoryFlagIgnored, "Open.DirectoryFlag" },
        { Fault.RenameByLink, "Rename.WhatMayReplaceWhat" },
        { Fault.RenameByLink, "Racing.AFileThatIsReplaced" },
        { Fault.RenameByLink, "Random.NamesAreATree" },
        { Fault.NoReplaceIgnored, "Rename.NoReplace" },
        { Fault.NoReplaceIgnored, "Racing.RenameWithoutReplacing" },
        { Fault.NoReplaceIgnored, "Random.NamesAreATree" },
        { Fault.ExchangeIsRename, "Rename.Exchange" },
        { Fault.ExchangeIsRename, "Random.NamesAreATree" },
        { Fault.TruncateLeavesTail, "Truncate.CutsAndGrows" },
        { Fault.TruncateLeavesTail, "Random.OneFile" },
        { Fault.PunchIgnored, "Fallocate.Punching" },
        { Fault.PunchIgnored, "Random.OneFile" },
        { Fault.SecondsOnly, "Times.StampsAreKept" },
        { Fault.OmitIgnored, "Times.OmitAndNow" },
        { Fault.LinksAlwaysOne, "Nlink.NamesAreCounted" },
        { Fault.LinksAlwaysOne, "Random.NamesAreATree" },
        { Fault.SpecialBitsDropped, "Chmod.EachKind" },
        { Fault.NoEntryIsIoError, "Path.AMissingComponent" },
        { Fault.NoEntryIsIoError, "Random.NamesAreATree" },
        { Fault.UnlinkDirectoryIsEperm, "Unlink.ADirectoryIsEisdir" },
        { Fault.ShortNames, "Name.NamesOf255Bytes" },
        { Fault.LocksIgnored, "Lock.WholeFileLocksExclude" },
        { Fault.LocksIgnored, "Lock.RangesOfProcesses" },
        { Fault.LocksIgnored, "Lock.OpenFileLocksExclude" },
        { Fault.ListingShort, "Readdir.EntriesSay" },
        { Fault.ListingShort, "Readdir.LargeDirectories" },
        { Fault.SeekDirectoryRewinds, "Readdir.PositionsLeadBack" },
        { Fault.SeekDataWrong, "Sparse.DataIsFound" },
        { Fault.SecondMountStaleSize, "TwoMount.SizesAreSeen" },
        { Fault.SecondMountStaleSize, "TwoMount.AttributesAreSeen" },
        { Fault.XattrCreateIgnored, "Xattr.CreateAndReplace" },
        { Fault.CopyRangeEmpty, "CopyRange.CopiesTheRange" },
        { Fault.WriteOffByOne, "IoVector.SizesAndOffsets" },
        { Fault.WriteOffByOne, "Random.OneFile" },
        { Fault.ReadFlipsByte, "Random.OneFile" },
        { Fault.ReadFlipsByte, "IoVector.SizesAndOffsets" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void EachDeviationIsSeen(Fault fault, string check)
    {
        var options = Options(fault, check);
        var sound = Scratch.Run(options);
        Assert.True(sound.ExitCode == 0, Scratch.Text(sound));
        var report = Scratch.Run(options, fault);
        Assert.True(report.Failed > 0, Scratch.Text(report));
    }

    /// <summary>Without the change of user everything is allowed: every check of rights must say so.</summary>
    [Theory]
    [InlineData("Permission.TheFirstClass")]
    [InlineData("Sticky.OthersMayNot")]
    [InlineData("Chown.GivingAway")]
    [InlineData("Path.AClosedDirectory")]
    [InlineData("Acl.NamedEntries")]
    public void UsersThatAreNotChangedAreSeen(string check)
    {
        var report = Scratch.Run(_scratch.Options(check), Fault.UsersIgnored);
        Assert.Equal((Scratch.IsRoot ? 1 : 0, Scratch.IsRoot ? 0 : 1), (report.Failed, report.NotRun));
    }

    [Fact]
    public void EveryDeviationIsTried()
    {
        var tried = Faults.Select(row => (Fault)row[0]).ToHashSet();
        tried.UnionWith([Fault.None, Fault.UsersIgnored, Fault.SymlinkHangs]);
        Assert.Empty(Enum.GetValues<Fault>().Except(tried));
    }

    public void Dispose() => _scratch.Dispose();

    /// <summary>A second path that can be told from the first, where the deviation is in what it shows.</summary>
    private SuiteOptions Options(Fault fault, string check)
    {
        var options = _scratch.Options(check);
        return fault == Fault.SecondMountStaleSize
            ? options with { SecondDirectory = _scratch.Path + "/../" + Path.GetFileName(_scratch.Path) }
            : options;
    }
}
