# What an administrator does in the pages, since Redmine's REST interface can't: trackers, custom fields, roles, settings.
Redmine::DefaultData::Loader.load('en') if Redmine::DefaultData::Loader.no_data?
Setting.rest_api_enabled = '1'
Setting.default_language = 'en'
Tracker.find_by!(name: 'Bug').update!(name: 'Maintenance')
Tracker.find_by!(name: 'Feature').update!(name: '8D report')
{ 'Equipment' => 'string', 'Lot' => 'string', 'D4 Root cause' => 'text', 'D5 Corrective action' => 'text' }.each do |name, format|
  IssueCustomField.create!(name: name, field_format: format, is_for_all: true, trackers: Tracker.all.to_a, is_filter: true)
end
Role.create!(name: 'Guest', issues_visibility: 'default', permissions: [:view_issues])
admin = User.find_by!(login: 'admin')
admin.update!(must_change_passwd: false)
File.write(ENV.fetch('KEY_FILE'), admin.api_key)
