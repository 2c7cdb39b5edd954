namespace DistFS.Mount.Tests;

/// <summary>What people do on a file system all day, with the tools that they do it with.</summary>
[Collection("one cluster at a time")]
public sealed class RealWorkTests : MountedCluster
{
    private const string Identity = "-c user.name=Somebody -c user.email=somebody@example.org";

    private static readonly string Root = RootOf(AppContext.BaseDirectory);

    /// <summary>Of this repository: all of it, or some hundred files.</summary>
    private static readonly string Parts = IsFull
        ? "benchmarks chunkserver client docs metaserver mount protocol scripts tests" : "docs mount protocol";

    [Fact]
    public async Task Git_clones_checks_commits_and_collects()
    {
        await OnTwoMountsAsync($"""
            mkdir {Folder}/repo; cd {Root}; cp -r {Parts} {Folder}/repo; cd {Folder}/repo
            git init -q -b main .; git add -A; git {Identity} commit -qm one
            git clone -q {Folder}/repo {One}/clone
            cd {One}/clone; git fsck --full --strict; [ -z "$(git status --porcelain)" ]
            diff -r --exclude=.git {Folder}/repo {Two}/clone
            for i in $(seq 20); do echo $i >> docs/ARCHITECTURE.md; git {Identity} commit -qam "$i"; done
            git gc -q --prune=now; git fsck --full --strict
            cd {Two}/clone; [ "$(git log --oneline | wc -l)" = 21 ]; [ -z "$(git status --porcelain)" ]
            git checkout -q HEAD~10; [ "$(tail -n 1 {One}/clone/docs/ARCHITECTURE.md)" = 10 ]; git fsck --full
            """);
    }

    [Fact]
    public async Task Trees_are_packed_unpacked_and_mirrored()
    {
        await OnTwoMountsAsync($"""
            mkdir {Folder}/tree; cd {Root}; cp -r {Parts} {Folder}/tree
            tar -C {Folder}/tree -cf {One}/tree.tar .; mkdir {One}/untar; tar -C {One}/untar -xf {Two}/tree.tar
            diff -r {Folder}/tree {Two}/untar; tar -C {Two}/untar -df {One}/tree.tar
            rsync -a {Folder}/tree/ {One}/mirror/; [ -z "$(rsync -anci --delete {Folder}/tree/ {Two}/mirror/)" ]
            echo changed >> {Folder}/tree/docs/ARCHITECTURE.md; rm {Folder}/tree/docs/design/vfs.md
            [ "$(rsync -ai --delete {Folder}/tree/ {Two}/mirror/ | grep -vc '/$')" = 2 ]
            diff -r {Folder}/tree {One}/mirror
            rm -r {One}/untar {Two}/mirror; [ "$(ls -A {One})" = tree.tar ]
            """);
    }

    /// <summary>
    /// A database whose program is killed, then one whose mount is: what it was told to be committed is there, and it
    /// is sound.
    /// </summary>
    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public async Task SQLite_keeps_what_it_committed(string journal)
    {
        var one = await MountAsync(One);
        await ShellAsync($"""
            sqlite3 {One}/db 'PRAGMA journal_mode={journal}; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)'
            """);
        await CommitAsync(1, "kill -9 $W");
        await CheckAsync(One, 1);

        // The program would try each statement that is left for ten seconds.
        await CommitAsync(2, $"kill -9 {one.ProcessId}; sleep 0.5; kill -9 $W 2>/dev/null || true");
        var two = await MountAsync(Two);
        await CheckAsync(Two, 2);
        await two.StopAsync();

        // It says what is committed behind each transaction, some at a time.
        Task CommitAsync(int part, string kill) => ShellAsync($$"""
            for i in $(seq 20000); do
                echo "INSERT INTO t VALUES(NULL, randomblob(3000)); SELECT max(id) FROM t;"
            done > {{Folder}}/input; touch {{Folder}}/said{{part}}
            sqlite3 {{One}}/db < {{Folder}}/input > {{Folder}}/said{{part}} 2>/dev/null & W=$!
            for i in $(seq 1200); do
                [ $(wc -l < {{Folder}}/said{{part}}) -lt 200 ] || break; kill -0 $W; sleep 0.05
            done
            {{kill}}; wait $W || true; [ $(wc -l < {{Folder}}/said{{part}}) -ge 200 ]
            """);

        // The last line may be cut. Locks of a mount that was killed go with its session, ten seconds later.
        Task CheckAsync(string at, int part) => ShellAsync($$"""
            ask() { sqlite3 -cmd '.timeout 30000' {{at}}/db "$1"; }
            [ "$(ask 'PRAGMA integrity_check')" = ok ]
            [ $(ask 'SELECT max(id) FROM t') -ge $(tail -n 2 {{Folder}}/said{{part}} | head -n 1) ]
            [ $(ask 'SELECT max(id) = count(*) FROM t') = 1 ]
            """);
    }

    /// <summary>A compiler, which maps, locks and renames.</summary>
    [Fact]
    public async Task This_repository_is_built_on_it()
    {
        var what = IsFull ? "DistFS.sln" : "protocol/DistFS.Native";
        var parts = IsFull ? Parts : "protocol";
        await OnTwoMountsAsync($"""
            mkdir {One}/src; cd {Root}
            cp -r {parts} Directory.* global.json .editorconfig BannedSymbols.txt {One}/src
            {(IsFull ? $"cp {Root}/DistFS.sln {Root}/.gitignore {Root}/.gitattributes {One}/src" : "true")}
            cd {One}/src; dotnet build {what} -c Release -v quiet -clp:NoSummary --disable-build-servers
            [ -n "$(find {One}/src/artifacts/bin -name DistFS.Native.dll)" ]
            diff -r {One}/src/artifacts {Two}/src/artifacts; rm -r {Two}/src
            """);
    }

    private static string RootOf(string folder) =>
        File.Exists(Path.Combine(folder, "DistFS.sln")) ? folder : RootOf(Path.GetDirectoryName(folder)!);
}
