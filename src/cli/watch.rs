//! `quell watch`: follows an incident's events and survives a lost connection.

use std::{path::PathBuf, time::Duration};

use quell_proto::v1::{Event, GetIncidentRequest, Investigation, ListIncidentsRequest, WatchRequest};
use tonic::Code;

use super::{
    Exit,
    args::{Global, Watch},
    client,
    exit::{Failure, Result},
    output::Out,
    render,
    show::{finished, grade},
};

/// Longest wait between two attempts to reconnect.
const PATIENCE: Duration = Duration::from_secs(10);

/// Follows an incident until it is left, or until its investigation is done.
pub(super) async fn run(args: Watch, global: &Global, out: &Out) -> Result<Exit> {
    let mut server = client::incidents(global).await?;
    let id = match args.id {
        Some(id) => id,
        None => {
            let request = ListIncidentsRequest { status: "open".to_owned(), limit: 1, ..Default::default() };
            let answer = server.list_incidents(request).await.map_err(|status| client::failure(&status))?;
            let newest = answer.into_inner().incidents.into_iter().next();
            newest.map(|incident| incident.id).ok_or_else(|| {
                Failure::new(Exit::NotFound, "no incident is open; `quell incidents` lists them all")
            })?
        }
    };
    let incident = server
        .get_incident(GetIncidentRequest { id })
        .await
        .map_err(|status| client::failure(&status))?
        .into_inner();
    if out.is_for_people() {
        out.line(&render::headline(&incident))?;
    }
    let cursor = Cursor::of(&incident.id);
    let after = args.after.unwrap_or_else(|| if out.is_for_people() { cursor.load() } else { 0 });
    if after > 0 {
        out.say(&format!("after event {after}; --after 0 shows all"));
    }
    let mut follower = Follower {
        global,
        out,
        cursor,
        feed: render::Feed::new(out.verbose, out.width),
        number: incident.number.clone(),
        until_done: args.until_done,
    };
    tokio::select! {
        done = follower.follow(&incident.id, after) => done,
        () = super::serve::signal() => {
            let back = global.command(&format!("watch {}", incident.number));
            out.say(&format!("detached; the server goes on. `{back}` comes back here"));
            Ok(Exit::Interrupted)
        }
    }
}

struct Follower<'a> {
    global: &'a Global,
    out: &'a Out,
    cursor: Cursor,
    feed: render::Feed,
    number: String,
    until_done: bool,
}

impl Follower<'_> {
    async fn follow(&mut self, incident: &str, after: u64) -> Result<Exit> {
        let mut last = after;
        let mut wait = Duration::from_millis(250);
        loop {
            let lost = match self.stream(incident, &mut last, &mut wait).await? {
                Some(done) => return Ok(done),
                None => "the stream ended",
            };
            self.out.say(&format!("{lost}; reconnecting ({} s)", wait.as_secs_f32().ceil()));
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(PATIENCE);
        }
    }

    /// Follows one connection. `None`: it was lost, and another may do.
    async fn stream(&mut self, incident: &str, last: &mut u64, wait: &mut Duration) -> Result<Option<Exit>> {
        let mut server = match client::incidents(self.global).await {
            Ok(server) => server,
            Err(failure) if failure.exit == Exit::Unreachable => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let request =
            WatchRequest { incident_id: incident.to_owned(), after_seq: *last, until_done: self.until_done };
        let mut events = match server.watch(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) if status.code() == Code::Unavailable => return Ok(None),
            Err(status) => return Err(client::failure(&status)),
        };
        let mut answer: Option<Investigation> = None;
        loop {
            match events.message().await {
                Ok(Some(event)) => {
                    *last = event.seq;
                    *wait = Duration::from_millis(250);
                    self.show(&event)?;
                    if let Some(found) = finished(event.payload.as_ref()) {
                        answer = Some(found.clone());
                    }
                    self.cursor.save(*last);
                }
                Ok(None) if self.until_done => {
                    return Ok(Some(answer.as_ref().map_or(Exit::Ok, grade)));
                }
                Ok(None) | Err(_) => return Ok(None),
            }
        }
    }

    fn show(&mut self, event: &Event) -> Result<()> {
        if !self.out.is_for_people() {
            return self.out.line(&serde_json::to_string(event)?);
        }
        self.feed.lines(event).iter().try_for_each(|line| self.out.line(line))?;
        if let Some(found) = finished(event.payload.as_ref()) {
            self.out.line("")?;
            let ask = self.global.command(&format!("query {}", self.number));
            self.out.text(&render::answer(found, self.out.width, self.out.verbose, Some(&ask)))?;
            let again = self.global.command(&format!("show {}", self.number));
            self.out.line(&format!("\n`{again}` shows this again"))?;
        }
        Ok(())
    }
}

/// Where the last watch of an incident ended.
struct Cursor(Option<PathBuf>);

impl Cursor {
    fn of(incident: &str) -> Self {
        let state = std::env::var_os("XDG_STATE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")));
        // The id comes from a server: only what cannot leave the folder becomes a file name.
        let is_plain = !incident.is_empty()
            && incident.len() <= 64
            && incident.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        Self(state.filter(|_| is_plain).map(|state| state.join("quell/watch").join(incident)))
    }

    fn load(&self) -> u64 {
        self.0
            .as_ref()
            .and_then(|path| std::fs::read_to_string(path).ok())
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    }

    /// Best effort: without it the next watch begins at the start.
    fn save(&self, seq: u64) {
        if let Some(path) = &self.0 {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).ok();
            }
            std::fs::write(path, seq.to_string()).ok();
        }
    }
}
